"""Patterns as recipes: each a file of plain workflow code with what to know of it, knobs to turn, and what its run's record must show. No Jupyter."""
