"""The self-test of a device: its pages, its rooms in the media server, its words."""
