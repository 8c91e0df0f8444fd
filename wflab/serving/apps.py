"""`lab.apps`: the apps of a lab by their ids, as a table."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from wfengine.errors import InvalidArgument
from wflab.serving.app import RunningApp

_SHOWN = ("app", "state", "workers", "subscriptions", "port", "http_port", "grpc_port", "last_line")
_HEADS = ("App", "State", "Workers", "Subscriptions", "Port", "Sidecar HTTP", "Sidecar gRPC", "Last line")
_NONE = "No apps yet. lab.run_app('orders', ['python', 'orders.py']) starts one, lab.run_apps('dapr.yaml') those of a run file."


class Apps(Mapping[str, RunningApp]):
    """The apps that the lab has opened a sidecar for, in the order of their start. `notes` say what of a run file has no effect."""

    def __init__(self, apps: Mapping[str, RunningApp], notes: Sequence[str] = ()) -> None:
        self._apps = dict(apps)
        self.notes = tuple(notes)

    def df(self) -> pd.DataFrame:
        """One row per app: app, state, pid, port (where it listens itself), http_port and grpc_port (its sidecar's), workers, subscriptions (a list), starts, since (UTC), last_line."""
        columns = ["app", "state", "pid", "port", "http_port", "grpc_port", "workers", "subscriptions", "starts", "since", "last_line"]
        frame = pd.DataFrame([app.row() for app in self._apps.values()], columns=columns)
        frame["since"] = pd.to_datetime(frame["since"], utc=True)
        for column in ("pid", "port"):
            frame[column] = frame[column].astype("Int64")
        return frame

    def stop(self) -> None:
        """End all programs, at once; wait until none is left."""
        for app in self._apps.values():
            app.let_go()
        for app in self._apps.values():
            app.close()

    def __getitem__(self, app_id: str) -> RunningApp:
        found = self._apps.get(app_id)
        if found is None:
            raise InvalidArgument(f"There is no app {app_id!r}; there are {', '.join(self._apps) or 'none'}.")
        return found

    def __contains__(self, app_id: object) -> bool:
        return app_id in self._apps

    def __iter__(self) -> Iterator[str]:
        return iter(self._apps)

    def __len__(self) -> int:
        return len(self._apps)

    def __repr__(self) -> str:
        rows = [_HEADS, *self._rows()]
        if len(rows) == 1:
            return _NONE
        widths = [max(len(row[place]) for row in rows) for place in range(len(_HEADS) - 1)]
        lines = ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip() for row in rows]
        return "\n".join([*lines, *self.notes])

    def _repr_html_(self) -> str:
        if not self._apps:
            return f"<p>{escape(_NONE)}</p>"
        head = "".join(f'<th style="text-align:left">{name}</th>' for name in _HEADS)
        rows = "".join(
            "<tr>" + "".join(f'<td style="text-align:left">{escape(cell)}</td>' for cell in row) + "</tr>" for row in self._rows()
        )
        return (
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{''.join(f'<p>{escape(note)}</p>' for note in self.notes)}"
        )

    def _rows(self) -> list[tuple[str, ...]]:
        return [tuple(_cell(row[name]) for name in _SHOWN) for row in (app.row() for app in self._apps.values())]


def _cell(value: Any) -> str:
    return "–" if value in (None, []) else ", ".join(value) if isinstance(value, list) else str(value)
