"""Recorded histories replayed on code: which agree, which do not, where, and what would mend it. No activity runs, nothing is recorded."""
