"""Pages for staff, all under /balie: appointments, messages, replies, hours.  They work without JavaScript."""
