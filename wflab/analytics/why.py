"""Why an instance is not done: one sentence that says what it waits for, since when, and who can wake it."""

from collections.abc import Callable, Sequence
from datetime import datetime

from wfengine.model.instance import Instance, Status
from wfengine.runtime.standing import HeldUp, Standing
from wflab.analytics.durations import span_text
from wflab.analytics.steps import Step, open_waits

_MOST_NAMED = 3
_LONGEST_ERROR = 200
FREE = Standing()


def why(
    instance: Instance,
    steps: Sequence[Step],
    *,
    now: datetime,
    standing: Standing = FREE,
    trouble: str | None = None,
    of_child: Callable[[str], str] | None = None,
) -> str:
    """The sentence. `standing` is what holds it up here, `trouble` what keeps the engine from writing, `of_child` gives the sentence of a child's id."""
    name = instance.name
    if instance.status.is_terminal:
        return _ended(instance)
    if trouble is not None:
        return f"{name} stands still because the engine is not recording. {_sentence(trouble)}"
    if instance.status is Status.SUSPENDED:
        return f"{name} is suspended for {_ago(instance.updated_at, now)}; run.resume() lets it go on."
    if instance.status is Status.STALLED and instance.failure is not None:
        return f"{name} is stalled: {_sentence(instance.failure.message)} run.source() is the code it started with."
    lacking = (
        [standing.lacks] if standing.lacks else list(dict.fromkeys(held.reason for held in standing.held_up if held.kind == "definition"))
    )
    if not lacking and instance.scheduled_start is not None and not instance.turn and instance.scheduled_start > now:
        return f"{name} starts in {_ago(now, instance.scheduled_start)}, as it was asked to."
    if standing.queued is not None and not lacking:
        return f"{name} waits for its turn: {standing.queued}."
    parts = [*_activities(steps, standing.held_up, now), *_children(steps, now), *_waits(steps, now), *_timers(steps, now)]
    if lacking:
        told = f"{name} waits for a definition: {_sentence(_joined(lacking))}" + (f" It also {_joined(parts)}." if parts else "")
    else:
        told = f"{name} {_joined(parts)}." if parts else f"{name} is about to take its next turn."
    child = next((step.child_id for step in steps if step.kind == "child" and step.phase != "done" and step.child_id), None)
    return told if of_child is None or child is None else f"{told} {of_child(child)}"


def _ended(instance: Instance) -> str:
    if instance.status is Status.FAILED and instance.failure is not None:
        return f"{instance.name} failed: {instance.failure.error_type}: {instance.failure.message}"
    words = {Status.COMPLETED: "completed", Status.TERMINATED: "was terminated", Status.CONTINUED_AS_NEW: "continued as new"}
    return f"{instance.name} {words.get(instance.status, 'ended')}; it waits for nothing."


def _activities(steps: Sequence[Step], held_up: Sequence[HeldUp], now: datetime) -> list[str]:
    undefined = {held.event_id for held in held_up if held.kind == "definition"}
    queued = {held.event_id: held for held in held_up if held.kind == "turn"}
    open_calls = [step for step in steps if step.kind == "activity" and step.phase != "done" and _attempt_id(step) not in undefined]
    backing_off = [step for step in open_calls if step.phase == "backoff"]
    waiting = [step for step in open_calls if step.phase != "backoff" and _attempt_id(step) in queued]
    running = [step for step in open_calls if step.phase != "backoff" and _attempt_id(step) not in queued]
    told = []
    if len(running) == 1:
        told.append(f"runs {running[0].name} for {_since(running, now)}")
    elif running:
        told.append(f"runs {len(running)} calls of {_names_of(running)} for {_since(running, now)}")
    if waiting:
        reason = queued[_attempt_id(waiting[0])].reason
        what = waiting[0].name if len(waiting) == 1 else f"{len(waiting)} calls of {_names_of(waiting)}"
        told.append(f"waits for its turn to run {what}: {reason}")
    if backing_off:
        due = min(step.fire_at or now for step in backing_off)
        what = backing_off[0].name if len(backing_off) == 1 else f"{len(backing_off)} calls of {_names_of(backing_off)}"
        told.append(f"tries {what} again in {_ago(now, due)} (attempt {len(backing_off[0].attempts)} failed{_error_of(backing_off[0])})")
    return told


def _attempt_id(step: Step) -> int:
    return step.attempts[-1].event_id if step.attempts else -1


def _error_of(step: Step) -> str:
    failure = step.attempts[-1].failure if step.attempts else None
    if failure is None:
        return ""
    told = f"{failure.error_type}: {failure.message}".partition("\n")[0].rstrip(".")
    return f": {told if len(told) <= _LONGEST_ERROR else told[: _LONGEST_ERROR - 1] + '…'}"


def _children(steps: Sequence[Step], now: datetime) -> list[str]:
    children = [step for step in steps if step.kind == "child" and step.phase != "done"]
    if not children:
        return []
    if len(children) > 1:
        return [f"waits for {len(children)} child workflows of {_names_of(children)} for {_since(children, now)}"]
    child = children[0]
    if child.phase == "backoff":
        again = _ago(now, child.fire_at or now)
        return [f"starts child workflow {child.name} again in {again} (attempt {len(child.attempts)} failed{_error_of(child)})"]
    return [f"waits for child workflow {child.name} ({child.child_id}) for {_since(children, now)}"]


def _since(steps: Sequence[Step], now: datetime) -> str:
    return _ago(min(step.created_at for step in steps), now)


def _names_of(steps: Sequence[Step]) -> str:
    return _named(sorted({step.name for step in steps}))


def _sentence(text: str) -> str:
    """With one full stop."""
    return f"{text.rstrip().rstrip('.')}."


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
