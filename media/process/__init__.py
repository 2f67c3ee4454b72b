"""The media server in a process of its own: pages, mail and the database share no core, lock or memory with packets."""
