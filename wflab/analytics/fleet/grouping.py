"""What a question about the fleet may be asked by: `by="name"`, `by=["name", "hour"]`, `by="tag:shop"`."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from wfengine.errors import InvalidArgument
from wflab.analytics.fleet.population import tag_path

_COLUMNS = ("name", "version", "code_hash", "app_id", "parent_name", "status")
_BUCKETS = ("minute", "hour", "day", "week", "month")


class Grouping(NamedTuple):
    """The columns of the answer, each as SQL with a name, and the parameters in them. `is_timed`: runs without an end have no place in it."""

    select: str
    columns: list[str]
    parameters: dict[str, Any]
    is_timed: bool


def grouping(by: str | Sequence[str] | None) -> Grouping:
    """Raises InvalidArgument with what there is."""
    wanted = [] if by is None else [by] if isinstance(by, str) else list(by)
    parts, columns, parameters = [], [], {}
    for place, one in enumerate(wanted):
        if one in _COLUMNS:
            sql, column = one, one
        elif one in _BUCKETS:
            sql, column = f"date_trunc('{one}', ended_at)", one
        elif one.startswith("tag:") and one != "tag:":
            column = one.removeprefix("tag:")
            sql = f"tags ->> $by{place}"
            parameters[f"by{place}"] = tag_path(column)
        else:
            raise InvalidArgument(
                f"There is no grouping by {one!r}; there are {', '.join((*_COLUMNS, *_BUCKETS))} and tags, such as 'tag:customer'."
            )
        parts.append(f"{sql} AS {_quoted(column)}")
        columns.append(column)
    return Grouping("".join(f"{part}, " for part in parts), columns, parameters, any(one in _BUCKETS for one in wanted))


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))
