"""What `run.graph()` and its like give: a view to display, to export, or to have as data."""

import json
from pathlib import Path
from typing import Any

from wfengine.errors import InvalidArgument
from wflab.display.displays import Displays
from wflab.display.source import Source
from wflab.views.bundles import MIME, bundle_of


class ViewHandle:
    """Display it to see it live; `html()`, `text()` and `json()` are what it shows now."""

    def __init__(self, displays: Displays, source: Source) -> None:
        self.source = source
        self._displays = displays

    def html(self) -> str:
        """The still picture and its table, for any page: no script in it."""
        return str(self._bundle()["text/html"])

    def text(self) -> str:
        """The same in lines of text, without ids or times."""
        return str(self._bundle()["text/plain"])

    def json(self) -> dict[str, Any]:
        """The snapshot that the JupyterLab extension draws; `*.wfhistory.json` files hold a list of them."""
        snapshot: dict[str, Any] = self._bundle()[MIME]
        return snapshot

    def save(self, path: str | Path) -> Path:
        """Write it to a file: `.html`, `.txt`, or `.wfhistory.json` for the JupyterLab extension."""
        place = Path(path)
        if place.name.endswith(".json"):
            whole = json.dumps({"wfhistory": 1, "views": [self.json()]})
            place.write_text(whole, encoding="utf-8")
        elif place.suffix in {".html", ".txt"}:
            place.write_text(self.html() if place.suffix == ".html" else self.text(), encoding="utf-8")
        else:
            raise InvalidArgument(f"{place.name}: a view is saved as .html, .txt or .wfhistory.json.")
        return place

    def freeze(self) -> None:
        """Turn every live display of this view into its still form, now."""
        self._displays.freeze(self.source)

    def _bundle(self) -> dict[str, Any]:
        return bundle_of(self.source.picture())

    def _ipython_display_(self) -> None:
        self._displays.show(self.source)

    def __repr__(self) -> str:
        return self.text()
