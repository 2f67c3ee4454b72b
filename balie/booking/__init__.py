"""Appointments: what can be booked when, by whom, and what becomes of it.  Functions of a transaction."""
