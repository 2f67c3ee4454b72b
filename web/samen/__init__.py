"""The Samen panel on the web: one for the citizen and who comes along, in the call; one in the desk's panel."""
