"""Database revisions, shipped as balie.migrations."""
