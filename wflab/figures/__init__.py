"""Answers as plotly figures: pure functions from a DataFrame and a theme to a figure."""
