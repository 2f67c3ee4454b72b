"""What every transition leaves behind in its own transaction: audit, events, messages that are due."""
