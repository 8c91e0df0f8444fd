"""Determinism lint: what in a workflow's source is not the same at every replay, and what to write instead. No code is run."""
