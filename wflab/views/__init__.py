"""What a person sees: one picture of plain data per view, drawn as a widget, as static HTML and as text."""
