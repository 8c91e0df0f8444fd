"""wfengine: a durable workflow engine in one process, on a journal and a DuckDB file. It knows no Jupyter."""
