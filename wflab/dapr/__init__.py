"""The names of `dapr.ext.workflow`, with the same signatures, over a lab: a program moves here and back by changing one import.

What we offer beyond Dapr is keyword-only and has a default; tests/lab/test_dapr_signatures.py compares with the installed `dapr` and lists it.
"""
