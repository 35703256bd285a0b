"""Tools that show what happens.  Each is at top level too: names.TOOLS says by which name."""
