"""The rows of a ladder: pairs as they are, fan-outs as one row with two waffles, and, of very many, only what is worth looking at. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby

import msgspec

from wflab.analytics.saga_trace import BackwardState, Pair
from wflab.analytics.saga_verdict import residual_of
from wflab.protocol.saga import SagaNode, SagaRow
from wflab.views.head import milliseconds
from wflab.views.palette import PALETTE, worst
from wflab.views.payloads import payload_of
from wflab.views.saga_words import (
    BACKWARD_LOOKS,
    FORWARD_LOOKS,
    SLIGHT,
    caption_of_backward,
    caption_of_forward,
    cut,
    word_of_backward,
    word_of_forward,
)

GROUP_FROM = 4
FOLD_FROM = 40
MOST_ROWS = 300
MOST_CELLS = 250
HEIGHT, TALL, THIN, GAP = 46.0, 92.0, 30.0, 10.0
_LONGEST_TOKEN = 26
# of a group, which undo's state is the one to be told
_WORST: tuple[BackwardState, ...] = (
    "failed", "missing", "running", "planned", "skipped", "no-undo", "resolved", "compensated", "pivot", "not-needed",
)  # fmt: skip


def is_clean(pair: Pair) -> bool:
    """Whether it was done and undone, and there is nothing more to say."""
    return pair.forward == "committed" and pair.backward == "compensated" and not pair.acts.acts


def token_of(pair: Pair) -> str:
    """The step's result on one line: what its undo is told. Without what is called a secret."""
    payload = None if pair.call is None else payload_of(pair.call.result)
    if payload is None or payload.text == "null":
        return ""
    flat = " ".join(payload.text.split()).strip('"')
    return flat if len(flat) <= _LONGEST_TOKEN else f"{flat[: _LONGEST_TOKEN - 1]}…"


def rows_of(pairs: Sequence[Pair], began: datetime, *, folds: bool) -> tuple[list[SagaRow], int]:
    """The rows, laid below each other, and how many pairs they stand for. With `folds` clean pairs of a long saga become one row."""
    drawn = [_group(members, began) if len(members) >= GROUP_FROM else [_row(pair, began) for pair in members] for members in _runs(pairs)]
    found: list[tuple[SagaRow, bool]] = []
    for members, made in zip(_runs(pairs), drawn, strict=True):
        if isinstance(made, SagaRow):
            found.append((made, all(is_clean(pair) for pair in members)))
        else:
            found += [(row, is_clean(pair)) for row, pair in zip(made, members, strict=True)]
    rows = list(_folded(found)) if folds and len(found) > FOLD_FROM else [row for row, _ in found]
    shown = rows[:MOST_ROWS]
    return laid(shown), sum(row.count for row in shown)


def laid(rows: Sequence[SagaRow]) -> list[SagaRow]:
    """The same rows, each below the one before."""
    y = GAP / 2
    found = []
    for row in rows:
        found.append(msgspec.structs.replace(row, y=y))
        y += row.height + GAP
    return found


def timed_rows(rows: Sequence[SagaRow], backs: dict[str, float]) -> list[SagaRow]:
    """The sides of these rows one by one in the order of time; `backs` has when each row's undo began. Longer pauses take more room, to a limit."""
    sides: list[SagaRow] = []
    for row in rows:
        if row.kind == "fold":
            continue
        alone = msgspec.structs.replace(row, back=None, link="", token="", residual="")
        sides.append(alone if row.at is not None else msgspec.structs.replace(alone, at=None))
        if row.back is not None and not row.back.is_slight:
            later = msgspec.structs.replace(row, id=f"{row.id}<", forward=None, at=backs.get(row.id), link="")
            sides.append(later)
    sides.sort(key=lambda row: (row.at is None, row.at or 0.0))
    last = max((row.at or 0.0 for row in sides), default=0.0)
    y, before = GAP / 2, 0.0
    found = []
    for row in sides:
        if row.at is not None:
            y += min(_MOST_PAUSE, _PAUSES * (row.at - before) / last) if last else 0.0
            before = row.at
        found.append(msgspec.structs.replace(row, y=y))
        y += row.height + GAP
    return found


_PAUSES, _MOST_PAUSE = 240.0, 70.0


def began_ms(pair: Pair, began: datetime, *, back: bool) -> float | None:
    """When a side began, in milliseconds after the run; None for what has not."""
    step = pair.undo_call if back else pair.call
    return None if step is None else max(0.0, (step.created_at - began).total_seconds() * 1000)


def _runs(pairs: Sequence[Pair]) -> list[list[Pair]]:
    """Neighbours of one name, which is what a fan-out or a loop is."""
    return [list(members) for _, members in groupby(pairs, key=lambda pair: (pair.step, pair.forward == "not-reached"))]


def _row(pair: Pair, began: datetime) -> SagaRow:
    return SagaRow(
        id=pair.id,
        kind="pair",
        y=0.0,
        height=HEIGHT,
        comp=pair.backward,
        forward=_forward(pair),
        back=_back(pair),
        link="" if pair.backward in SLIGHT else pair.link,
        token=token_of(pair),
        residual=residual_of(pair) if pair.is_left or pair.backward == "resolved" else "",
        at=began_ms(pair, began, back=False),
        is_pivot=pair.is_pivot,
    )


def _forward(pair: Pair) -> SagaNode:
    call = pair.call
    return SagaNode(
        name=pair.step,
        kind=pair.kind,
        state=pair.forward,
        word=word_of_forward(pair),
        look=FORWARD_LOOKS[pair.forward],
        caption=caption_of_forward(pair),
        order="",
        since=milliseconds(call.created_at) if call is not None and pair.forward == "running" else None,
        span_id=None if call is None else call.id,
        is_doubtful=pair.forward == "in-doubt",
    )


def _back(pair: Pair) -> SagaNode:
    undo = pair.undo_call
    is_slight = pair.backward in SLIGHT or pair.undo is None
    return SagaNode(
        name=pair.undo or "",
        kind="activity",
        state=pair.backward,
        word=word_of_backward(pair),
        look=BACKWARD_LOOKS[pair.backward],
        caption=caption_of_backward(pair),
        order="" if pair.order is None else str(pair.order),
        since=milliseconds(undo.created_at) if undo is not None and pair.backward == "running" else None,
        span_id=None if undo is None else undo.id,
        is_doubtful=pair.backward == "missing" and pair.forward == "in-doubt",
        is_slight=is_slight,
    )


def _group(members: Sequence[Pair], began: datetime) -> SagaRow:
    first = members[0]
    told = next(state for state in _WORST if any(pair.backward == state for pair in members))
    done = next(pair for pair in members if pair.backward == told)
    forward_looks = [FORWARD_LOOKS[pair.forward] for pair in members]
    back_looks = [BACKWARD_LOOKS[pair.backward] for pair in members]
    orders = sorted(pair.order for pair in members if pair.order is not None)
    worst_forward = next(pair for pair in members if FORWARD_LOOKS[pair.forward] == worst(forward_looks))
    undos = [pair.undo for pair in members if pair.undo]
    left = [pair for pair in members if pair.is_left]
    moments = [at for pair in members if (at := began_ms(pair, began, back=False)) is not None]
    forward = msgspec.structs.replace(
        _forward(worst_forward), caption=_counts([word_of_forward(pair) for pair in members]), count=len(members),
        counts=dict(Counter(forward_looks)), cells=_cells(forward_looks), span_id=first.id, is_doubtful=False,
    )  # fmt: skip
    back = msgspec.structs.replace(
        _back(done), name=undos[0] if undos else "", caption=_counts([word_of_backward(pair) for pair in members]), count=len(members),
        counts=dict(Counter(back_looks)), cells=_cells(back_looks), is_doubtful=False,
        order="" if not orders else str(orders[0]) if len(orders) == 1 else f"{orders[0]}\N{EN DASH}{orders[-1]}",
    )  # fmt: skip
    return SagaRow(
        id=first.id,
        kind="group",
        y=0.0,
        height=TALL,
        comp=told,
        forward=forward,
        back=back,
        link="" if back.is_slight else next((pair.link for pair in members if pair.link), ""),
        residual=""
        if not left
        else residual_of(left[0])
        if len(left) == 1
        else f"{len(left):,} of {len(members):,} {first.step} stay done",
        count=len(members),
        at=min(moments, default=None),
    )


def _cells(looks: Sequence[str]) -> str:
    """A letter for each, or for as many as fit into a cell the worst of them; the same cut on both sides."""
    size = -(-len(looks) // MOST_CELLS)
    return "".join(PALETTE.state(worst(looks[at : at + size])).letter for at in range(0, len(looks), size))


def _counts(words: Sequence[str]) -> str:
    return cut(", ".join(f"{count:,} {word}" for word, count in Counter(words).most_common()))


def _folded(rows: Sequence[tuple[SagaRow, bool]]) -> Iterator[SagaRow]:
    for clean, found in groupby(rows, key=lambda item: item[1]):
        members = [row for row, _ in found]
        if not clean or len(members) < GROUP_FROM:
            yield from members
            continue
        count = sum(row.count for row in members)
        yield SagaRow(id=f"fold {members[0].id}", kind="fold", y=0.0, height=THIN, comp="compensated", count=count, at=members[0].at)
