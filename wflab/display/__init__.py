"""Where views are shown in a notebook: `displays` keeps them live, a source per kind of view makes the pictures."""
