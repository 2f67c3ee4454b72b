"""Documents that citizen and staff give each other: rows here, bytes in files of their own."""
