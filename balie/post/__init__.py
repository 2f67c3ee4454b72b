"""Messages to people, and what is known of their arrival."""
