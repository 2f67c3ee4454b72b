"""Documents that citizen and staff give each other: their pages, the way in for bytes, and the way out."""
