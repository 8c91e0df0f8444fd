"""Execute the tutorials and store their outputs, after a change to one or to what it shows; the diff then tells what a reader will see.

    python tools/execute_notebooks.py 03 05     these
    python tools/execute_notebooks.py           all

Each runs in a folder of its own, on its own database, so that no run of before is in it. Stored is what any page can show: a view's still
picture and its text, no widget.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
FOR_ANY_PAGE = ("text/html", "text/plain", "image/png")
CELL_SECONDS = 120


def still(output: dict[str, Any]) -> dict[str, Any]:
    """An output without what needs a kernel or our extension, unless there is nothing else in it."""
    data = output.get("data")
    if data is not None and "text/plain" in data:
        output["data"] = {kind: data[kind] for kind in FOR_ANY_PAGE if kind in data}
        output["metadata"] = {}
    return output


def execute(path: Path) -> float:
    """Run one from top to bottom and write it back; gives the seconds. Raises CellExecutionError where a cell fails."""
    notebook = nbformat.read(path, as_version=4)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(notebook, timeout=CELL_SECONDS, resources={"metadata": {"path": folder}}, store_widget_state=False)
        client.execute()
    seconds = time.monotonic() - begun
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [still(output) for output in cell.outputs]
    notebook.metadata["language_info"] = {"name": "python"}  # not the version of whoever executed it
    nbformat.write(notebook, path)
    return seconds


def main() -> None:
    """Choose and execute."""
    parser = argparse.ArgumentParser(description="Execute tutorials and store their outputs.")
    parser.add_argument("beginnings", nargs="*", metavar="NN", help="how the names of the notebooks begin")
    wanted = tuple(parser.parse_args().beginnings) or ("",)
    os.environ.setdefault("JUPYTERHUB_USER", "you")  # the name that stands in audit rows and decisions
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        if path.name.startswith(wanted):
            print(f"{execute(path):6.1f} s  {path.name}", flush=True)


if __name__ == "__main__":
    main()
