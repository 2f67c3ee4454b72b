"""The panel that staff and citizen share in a call: the agenda, the steps, and how they stand."""
