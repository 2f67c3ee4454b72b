"""The database: its tables, and transactions on them.  No rule of the counter lives here."""
