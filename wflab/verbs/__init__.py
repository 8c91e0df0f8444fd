"""The verbs of `%wf`: a line of text → one call of the Lab, each with its help and what can be completed in it."""
