"""The head of every view of one run, from its instance and history."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from wfengine.model.history import ExecutionStarted, HistoryEvent
from wfengine.model.instance import TERMINAL, Instance
from wfengine.model.work import HistoryRow


def head_of(instance: Instance, rows: Sequence[HistoryRow], *, now: datetime, ticks: bool) -> dict[str, Any]:
    """The fields of `protocol.RunHead`. `ticks` is False where `now` moves only when told to, as a virtual clock does."""
    is_over = instance.status in TERMINAL
    ended = rows[-1].event.occurred_at if rows else instance.updated_at
    return {
        "key": instance.key,
        "instance_id": instance.instance_id,
        "name": instance.name,
        "status": instance.status.value,
        "is_over": is_over,
        "generation": instance.generation,
        "created": milliseconds(instance.created_at),
        "started": milliseconds(rows[0].event.occurred_at) if rows else None,
        "ended": milliseconds(ended) if is_over else None,
        "now": milliseconds(now),
        "ticks": ticks and not is_over,
        "custom_status": instance.custom_status,
        "forked_from": _source_of(rows[0].event) if rows else None,
    }


def _source_of(began: HistoryEvent) -> tuple[str, int] | None:
    source = began.forked_from if isinstance(began, ExecutionStarted) else None
    return None if source is None else (source.instance_id, source.at)


def milliseconds(at: datetime) -> float:
    """Since the epoch, to the microsecond."""
    return round(at.timestamp() * 1000, 3)
