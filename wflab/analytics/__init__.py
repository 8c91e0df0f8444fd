"""Questions about histories: plain functions from recorded rows to answers."""
