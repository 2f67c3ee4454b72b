"""What a visitor may want to know: cookies, privacy, accessibility, help.  They say what is, not what is hoped."""
