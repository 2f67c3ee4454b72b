"""Pages on which people show who they are: leaving for an identity provider, and coming back."""
