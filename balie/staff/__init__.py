"""Who works here: accounts, passwords, sessions."""
