"""Why an instance is not done: one sentence that says what it waits for, since when, and who can wake it."""

from collections.abc import Sequence
from datetime import datetime

from wfengine.model.instance import Instance, Status
from wflab.analytics.durations import span_text
from wflab.analytics.steps import Step, open_waits

_MOST_NAMED = 3


def why(instance: Instance, steps: Sequence[Step], *, now: datetime, lacking: str | None = None, trouble: str | None = None) -> str:
    """The sentence. `lacking` is a definition that is missing or disagrees, or the limit that it waits behind, `trouble` what keeps the engine from writing."""
    name = instance.name
    if instance.status.is_terminal:
        return _ended(instance)
    if trouble is not None:
        return f"{name} stands still because the engine is not recording. {trouble}"
    if instance.status is Status.STALLED and instance.failure is not None:
        return f"{name} is stalled: {instance.failure.message}"
    if lacking is not None:
        what = "its turn" if "waits for its turn" in lacking else "a definition"
        return f"{name} waits for {what}: {lacking}."
    if instance.status is Status.SUSPENDED:
        return f"{name} is suspended for {_ago(instance.updated_at, now)}; run.resume() lets it go on."
    if instance.scheduled_start is not None and not instance.turn and instance.scheduled_start > now:
        return f"{name} starts in {_ago(now, instance.scheduled_start)}, as it was asked to."
    parts = [*_calls(steps, now), *_waits(steps, now), *_timers(steps, now)]
    if not parts:
        return f"{name} is about to take its next turn."
    return f"{name} {_joined(parts)}."


def _ended(instance: Instance) -> str:
    if instance.status is Status.FAILED and instance.failure is not None:
        return f"{instance.name} failed: {instance.failure.error_type}: {instance.failure.message}"
    words = {Status.COMPLETED: "completed", Status.TERMINATED: "was terminated", Status.CONTINUED_AS_NEW: "continued as new"}
    return f"{instance.name} {words.get(instance.status, 'ended')}; it waits for nothing."


def _calls(steps: Sequence[Step], now: datetime) -> list[str]:
    told = []
    for kind, verb in (("activity", "runs"), ("child", "waits for child workflow")):
        open_calls = [step for step in steps if step.kind == kind and step.phase != "done"]
        if not open_calls:
            continue
        backing_off = [step for step in open_calls if step.note == "backoff" and step.fire_at is not None]
        if len(open_calls) == 1 and backing_off:
            due = backing_off[0].fire_at or now
            told.append(f"tries {backing_off[0].name} again in {_ago(now, due)} (attempt {len(backing_off[0].attempts)} failed)")
        elif len(open_calls) == 1:
            told.append(f"{verb} {open_calls[0].name} for {_ago(open_calls[0].created_at, now)}")
        else:
            names = sorted({step.name for step in open_calls})
            told.append(f"{verb} {len(open_calls)} calls of {_named(names)} for {_ago(min(s.created_at for s in open_calls), now)}")
    return told


def _waits(steps: Sequence[Step], now: datetime) -> list[str]:
    told = []
    for wait in open_waits(steps)[:_MOST_NAMED]:
        deadline = f", until it times out in {_ago(now, wait.fire_at)}" if wait.fire_at is not None else ""
        told.append(
            f"waits for the event {wait.name!r} for {_ago(wait.created_at, now)}{deadline} "
            f"(run.approve(), run.reject() or run.raise_event({wait.name!r}, data) answers it)"
        )
    return told


def _timers(steps: Sequence[Step], now: datetime) -> list[str]:
    timers = [step for step in steps if step.kind == "timer" and step.phase != "done" and step.fire_at is not None]
    if not timers:
        return []
    due = min(timer.fire_at for timer in timers if timer.fire_at is not None)
    return [f"has a timer that fires in {_ago(now, due)}"]


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _named(names: Sequence[str]) -> str:
    listed = ", ".join(names[:_MOST_NAMED])
    return f"{listed} and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else listed


def _ago(since: datetime, until: datetime) -> str:
    return span_text(max((until - since).total_seconds(), 0.0))
