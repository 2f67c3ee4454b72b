"""What is kept for a citizen in another system: its contract, and what we know of it."""
