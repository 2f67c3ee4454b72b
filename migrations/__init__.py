"""Database revisions, shipped as balie.migrations.  None yet: balie keeps nothing on disk so far."""
