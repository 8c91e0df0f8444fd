"""One history on one function: replayed by the engine's own core, so that what agrees here agrees there."""

import linecache
import re
from collections.abc import Sequence
from types import CodeType

import msgspec

from wfengine.core.edits import likeliest_edit
from wfengine.core.replay import Execution
from wfengine.errors import NonDeterminismError
from wfengine.model.history import ConfirmingEvent, ExecutionCompleted
from wfengine.model.instance import Instance, Status
from wfengine.model.work import HistoryRow
from wfengine.runtime.registry import Definition
from wflab.checking.verdict import Disagreement, Verdict

_LINE = re.compile(r"line (\d+) of ")


def verdict(instance: Instance, rows: Sequence[HistoryRow], code: Definition | None) -> Verdict:
    """Replay what the instance's turns took up, to its end where it has one. Without code nothing can agree."""
    found = None if code is None else _disagreement(rows, code)
    if code is None:
        found = Disagreement(
            kind="version",
            recorded=f"version {instance.version!r}" if instance.version else "a workflow without a version",
            attempted="nothing",
            cause="that version is not registered here",
        )
    return Verdict(
        instance_id=instance.instance_id,
        key=instance.key,
        status=instance.status,
        generation=instance.generation,
        version=instance.version,
        disagreement=found,
    )


def _disagreement(rows: Sequence[HistoryRow], code: Definition) -> Disagreement | None:
    taken_up = max((place for place, row in enumerate(rows) if row.turn), default=-1) + 1
    if not taken_up:
        return None
    past = [row.event for row in rows[:taken_up]]
    execution = Execution(code)
    try:
        execution.replay_whole(past)
    except NonDeterminismError as error:
        found = _described(error, rows, code)
        if execution.raised is not None:
            return _raising(found, execution.raised, code)
        return _ending(found) if execution.has_ended and found.kind == "removed" else found
    finally:
        execution.close()
    end = past[-1]
    if execution.raised is not None and isinstance(end, ExecutionCompleted) and end.status is Status.COMPLETED:
        recorded = Disagreement(kind="raises", recorded="the end of the workflow", attempted="", cause="", sequence=taken_up - 1)
        return _raising(recorded, execution.raised, code)
    return None


def _described(error: NonDeterminismError, rows: Sequence[HistoryRow], code: Definition) -> Disagreement:
    place = next((row for row in rows if isinstance(row.event, ConfirmingEvent) and row.event.event_id == error.event_id), None)
    kind, cause = likeliest_edit(error, code.source, _line_of_text(error.line, code))
    return Disagreement(
        kind=kind,
        recorded=error.recorded,
        attempted=error.attempted,
        cause=cause,
        event_id=None if error.event_id < 0 else error.event_id,
        sequence=None if place is None else place.sequence,
        line=error.line,
        source=_text_at(error.line, code),
    )


def _ending(found: Disagreement) -> Disagreement:
    """The code is at its end where more is recorded."""
    cause = f"a `return` was added, or {found.recorded} was removed"
    return msgspec.structs.replace(found, kind="ends early", attempted="the end of the workflow", cause=cause)


def _raising(found: Disagreement, raised: BaseException, code: Definition) -> Disagreement:
    """The code failed: that is what parts them, whatever it did not ask for after."""
    told = f"{type(raised).__name__}: {raised}"[:200]
    line = _line_raised(raised, code)
    return Disagreement(
        kind="raises",
        recorded=found.recorded,
        attempted=told,
        cause=f"the code raises {told}",
        event_id=found.event_id,
        sequence=found.sequence,
        line=line,
        source=_text_at(line, code),
    )


def _line_raised(raised: BaseException, code: Definition) -> str:
    """The last of the user's own lines on the way of the exception."""
    file = getattr(_code_of(code), "co_filename", None)
    trace, line = raised.__traceback__, ""
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            line = f"line {trace.tb_lineno} of {trace.tb_frame.f_code.co_name}"
        trace = trace.tb_next
    return line


def _text_at(line: str, code: Definition) -> str:
    found, made = _LINE.match(line), _code_of(code)
    return "" if found is None or made is None else linecache.getline(made.co_filename, int(found[1])).strip()


def _line_of_text(line: str, code: Definition) -> int | None:
    """The line of the function's own text."""
    found, made = _LINE.match(line), _code_of(code)
    return None if found is None or made is None else int(found[1]) - made.co_firstlineno + 1


def _code_of(code: Definition) -> CodeType | None:
    made = getattr(code.function, "__code__", None)
    return made if isinstance(made, CodeType) else None
