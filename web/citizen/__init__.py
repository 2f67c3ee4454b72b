"""Pages for citizens: what can be asked here, making an appointment, looking after it.  They need no JavaScript."""
