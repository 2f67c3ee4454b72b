"""Money from citizens: the contract of a payment provider, Mollie's, and what we know of payments and refunds."""
