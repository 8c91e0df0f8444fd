"""From a trace to the saga's picture. Pure; the lab's clock is an argument."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from wfengine.model.instance import Instance
from wfengine.model.work import HistoryRow
from wflab.analytics.saga_trace import Pair, Trace
from wflab.analytics.saga_verdict import EXAMPLE, residual_of, verdict_of
from wflab.analytics.steps import Step
from wflab.protocol.saga import PairDetail, SagaLadder, SagaPicture, SagaResidual, SagaRow, SagaSide, SagaStory
from wflab.views.head import head_of, milliseconds
from wflab.views.payloads import payload_of
from wflab.views.saga_layout import ladder_of
from wflab.views.saga_rows import began_ms, rows_of, timed_rows, token_of
from wflab.views.saga_words import caption_of_backward, caption_of_forward, word_of_backward, word_of_forward

LARGEST = 200_000
MOST_RESIDUALS = 50
MOST_FAILING = 200
MOST_OTHERS = 20


def saga_picture(
    instance: Instance, rows: Sequence[HistoryRow], trace: Trace, *, now: datetime, why: str = "", ticks: bool = False
) -> SagaPicture:
    """The saga of one run; `why` is one sentence on a run that goes on."""
    began = rows[0].event.occurred_at if rows else instance.created_at
    head = head_of(instance, rows, now=now, ticks=ticks)
    # a compensation that a person has started again goes on after its run
    head["ticks"] = head["ticks"] or (ticks and any(pair.backward == "running" for pair in trace.pairs))
    calls = [pair for pair in trace.pairs if pair.call is not None]
    return SagaPicture(
        **head,
        why=why,
        story=story_of(trace, began),
        failing=[(place, pair.step) for place, pair in enumerate(calls[:MOST_FAILING])] if trace.is_saga else [],
        example=EXAMPLE,
    )


def story_of(trace: Trace, began: datetime) -> SagaStory:
    """A saga, as it was or as it would be."""
    verdict = verdict_of(trace)
    pairs = trace.pairs if trace.is_saga else []
    turned, first = _turn(trace)
    ladder = _ladder(pairs, began, turned, first, folds=True)
    is_folded = any(row.kind == "fold" for row in ladder.rows)
    left = [pair for pair in pairs if _is_told(pair, trace)]
    return SagaStory(
        word=verdict.word,
        look=verdict.state,
        sentence=verdict.sentence,
        to_undo=verdict.to_undo,
        undone=verdict.undone,
        attention=verdict.attention,
        is_saga=trace.is_saga,
        is_inferred=trace.is_inferred,
        ladder=ladder,
        whole=_ladder(pairs, began, turned, first, folds=False) if is_folded else None,
        timed=_timed(pairs, ladder, began, turned, first),
        residuals=[_residual(pair) for pair in sorted(left, key=lambda pair: not pair.needs_attention)[:MOST_RESIDUALS]],
        residuals_total=len(left),
        others=list(dict.fromkeys(trace.others))[:MOST_OTHERS],
    )


def detail_of(pair: Pair) -> PairDetail:
    """All about one pair."""
    forward = SagaSide(
        title=pair.step,
        facts=_facts([("state", word_of_forward(pair)), ("", caption_of_forward(pair)), ("kind", pair.kind)], pair.call),
        input=payload_of(pair.call.input) if pair.call else None,
        output=payload_of(pair.call.result) if pair.call else None,
        error=_trace(pair.call),
    )
    told = [
        ("state", word_of_backward(pair)),
        ("", caption_of_backward(pair)),
        ("known by", pair.link),
        ("idempotency key", pair.key or ""),
    ]
    back = SagaSide(
        title=pair.undo or "no undo",
        facts=_facts([*told, ("order", "" if pair.order is None else str(pair.order))], pair.undo_call),
        input=payload_of(pair.undo_call.input) if pair.undo_call else None,
        output=payload_of(pair.undo_call.result) if pair.undo_call else None,
        error=_trace(pair.undo_call),
    )
    acts = [(milliseconds(act.at), act.who, f"{act.verb} {act.state}".strip(), act.error or act.why) for act in pair.acts.acts]
    return PairDetail(title=f"{pair.step} ⇄ {pair.undo or 'no undo'}", forward=forward, back=back, acts=acts)


def cut(picture: SagaPicture) -> SagaPicture:
    """What fits into a notebook: unfolded pairs go first, then rows of the time mode."""
    story = picture.story
    for smaller in (story, msgspec.structs.replace(story, whole=None), _without(story, 120), _without(story, 40)):
        cut_down = msgspec.structs.replace(picture, story=smaller, failing=picture.failing[:40])
        if len(msgspec.json.encode(cut_down)) <= LARGEST:
            return cut_down
    return msgspec.structs.replace(picture, story=_without(story, 5), failing=[])


def _without(story: SagaStory, most: int) -> SagaStory:
    def fewer(ladder: SagaLadder) -> SagaLadder:
        rows = ladder.rows[:most]
        kept = {row.id.removesuffix("<") for row in rows}
        layouts = [
            msgspec.structs.replace(layout, bridges=[bridge for bridge in layout.bridges if bridge.row in kept], turn="")
            for layout in (ladder.wide, ladder.narrow)
        ]
        height = max((row.y + row.height for row in rows), default=0.0)
        shown = sum(row.count for row in rows)
        return msgspec.structs.replace(ladder, rows=rows, height=height, wide=layouts[0], narrow=layouts[1], shown=shown)

    return msgspec.structs.replace(story, whole=None, ladder=fewer(story.ladder), timed=fewer(story.timed), residuals=story.residuals[:20])


def _turn(trace: Trace) -> tuple[str | None, str | None]:
    """The pair that turned it around and the one undone first, by their ids."""
    ordered = [pair for pair in trace.pairs if pair.order is not None]
    if trace.turned_at is None or not ordered or trace.turned_at >= len(trace.pairs):
        return None, None
    return trace.pairs[trace.turned_at].id, min(ordered, key=lambda pair: pair.order or 0).id


def _ladder(pairs: Sequence[Pair], began: datetime, turned: str | None, first: str | None, *, folds: bool) -> SagaLadder:
    rows, shown = rows_of(pairs, began, folds=folds)
    places = _rows_of_pairs(pairs, rows)
    return ladder_of(rows, turned=places.get(turned or ""), first=places.get(first or ""), shown=shown, total=len(pairs))


def _rows_of_pairs(pairs: Sequence[Pair], rows: Sequence[SagaRow]) -> dict[str, str]:
    """In which row each pair is."""
    found: dict[str, str] = {}
    place = 0
    for row in rows:
        for pair in pairs[place : place + row.count]:
            found[pair.id] = row.id
        place += row.count
    return found


def _timed(pairs: Sequence[Pair], ladder: SagaLadder, began: datetime, turned: str | None, first: str | None) -> SagaLadder:
    places = _rows_of_pairs(pairs, ladder.rows)
    backs: dict[str, float] = {}
    for pair in pairs:
        at = began_ms(pair, began, back=True)
        if at is not None and pair.id in places:
            row = places[pair.id]
            backs[row] = min(at, backs.get(row, at))
    rows = timed_rows(ladder.rows, backs)
    first_row = places.get(first or "")
    shown = sum(row.count for row in rows if row.forward is not None)
    return ladder_of(rows, turned=places.get(turned or ""), first=f"{first_row}<" if first_row else None, shown=shown, total=len(pairs))


def _is_told(pair: Pair, trace: Trace) -> bool:
    """What is left, or was settled; a step without an undo counts once the rest is taken back."""
    if pair.backward == "no-undo":
        return trace.phase in {"backward", "turned back"}
    return pair.is_left or pair.backward == "resolved"


def _residual(pair: Pair) -> SagaResidual:
    last = pair.acts.last
    # the page has no way to say what an undo is given that was never asked for
    can = ["retry"] if pair.undo_call is not None and pair.needs_attention else []
    can += ["skip", "resolve"] if pair.needs_attention else ["resolve"] if pair.backward == "no-undo" else []
    if pair.backward == "skipped":
        can = ["retry", "resolve"] if pair.undo_call is not None else ["resolve"]
    return SagaResidual(
        pair=pair.id,
        step=pair.step,
        undo=pair.undo or "",
        text=residual_of(pair),
        token=token_of(pair),
        needs_attention=pair.needs_attention,
        can=can,
        act="" if last is None else f"{last.verb} by {last.who}",
    )


def _facts(told: Sequence[tuple[str, str]], step: Step | None) -> list[tuple[str, str]]:
    facts = [(label or "how", text) for label, text in told if text]
    if step is not None:
        facts.append(("attempts", str(len(step.attempts))))
        facts += [("child", step.child_id)] if step.child_id else []
        facts += [("asked for", f"{step.created_at:%Y-%m-%d %H:%M:%S} UTC")]
        facts += [("ended", f"{step.ended_at:%Y-%m-%d %H:%M:%S} UTC")] if step.ended_at else []
    return facts


def _trace(step: Step | None) -> str:
    if step is None or step.failure is None:
        return ""
    return step.failure.stack_trace or f"{step.failure.error_type}: {step.failure.message}"
