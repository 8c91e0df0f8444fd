"""What every view of one run has at its head. The twin is extension/src/protocol/head.ts."""

import msgspec


class RunHead(msgspec.Struct, frozen=True, kw_only=True):
    """How the run stands. Times are milliseconds since the epoch.

    `now` is the lab's clock when the picture was made; `ticks` whether that clock runs by itself. `custom_status` is the workflow's own text.
    `forked_from` is the run whose past a fork or a rerun shares, and the last event of it (a `sequence`).
    """

    key: int
    instance_id: str
    name: str
    status: str
    is_over: bool
    generation: int
    created: float
    started: float | None
    ended: float | None
    now: float
    ticks: bool
    custom_status: str | None
    forked_from: tuple[str, int] | None = None
