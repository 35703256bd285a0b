"""Tools that show what happens.  Each is at top level too: `profile`."""
