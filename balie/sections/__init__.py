"""Settings of formal acts, a file for each part of them."""
