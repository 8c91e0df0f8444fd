"""Where a value came from: from the steps of a replay and the text of the code. Nothing is run for it, and what cannot be told is not guessed.

The statement that bound a name is the last one that did so among the lines which ran in the step that changed it; what it waited for is named by the event
of that step; then the names that went into it are followed in turn, up to the workflow's input.
"""

import ast
from collections.abc import Iterator, Sequence
from textwrap import dedent

import msgspec

from wfengine.errors import InvalidArgument
from wfengine.model import history as h
from wfengine.model.work import HistoryRow
from wfengine.testing.stepping.step import Step, changes

_MOST_LINKS = 12
_WAITS = {"call_activity", "call_child_workflow", "wait_for_external_event", "create_timer", "step"}


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """One link: what it is, at which step it came, and on which line of the workflow."""

    text: str
    step: int | None = None
    line: int | None = None


def explain(name: str, number: int, steps: Sequence[Step], source: str | None, rows: Sequence[HistoryRow]) -> list[Cause]:
    """The chain from the variable `name` as it is at step `number` back to the workflow's input. Raises InvalidArgument where there is no such variable."""
    if not 1 <= number <= len(steps):
        raise InvalidArgument(f"There is no step {number}; the replay has {len(steps)}.")
    if name not in steps[number - 1].variables:
        known = ", ".join(list(steps[number - 1].variables)[:20]) or "none"
        raise InvalidArgument(f"No variable {name!r} at step {number}. There: {known}.")
    tree = _parsed(source)
    chain = [Cause(text=name, step=number)]
    seen: set[str] = set()
    _follow(name, number, steps, tree, rows, chain, seen)
    return chain[:_MOST_LINKS]


def chain_text(chain: Sequence[Cause]) -> str:
    """The chain in one line."""
    return " <- ".join(f"{one.text} (step {one.step})" if one.step is not None and place else one.text for place, one in enumerate(chain))


def _follow(
    name: str,
    number: int,
    steps: Sequence[Step],
    tree: ast.AST | None,
    rows: Sequence[HistoryRow],
    chain: list[Cause],
    seen: set[str],
) -> None:
    if name in seen or len(chain) >= _MOST_LINKS:
        return
    seen.add(name)
    since = _changed_at(name, number, steps)
    if since is None:
        return
    step = steps[since - 1]
    bound = None if tree is None else _binding(name, tree, {line for source, line in step.lines if source == 0})
    if bound is None:
        is_input = tree is not None and name in _parameters(tree)[1:2]
        chain.append(Cause(text="workflow input" if is_input else f"set at step {since} ({step.event})", step=None if is_input else since))
        return
    line, value = bound
    wait = _wait_in(value)
    if wait is None:
        chain.append(Cause(text=ast.unparse(value)[:80], step=since, line=line))
    else:
        chain.append(Cause(text=_result_of(step, rows), step=since, line=line))
        value = _input_of(wait) or ast.Constant(value=None)
        if not isinstance(value, ast.Constant):
            chain.append(Cause(text=f"args {ast.unparse(value)[:80]}", line=line))
    for used in _names(value):
        if used in step.variables or used in steps[max(0, since - 2)].variables:
            _follow(used, max(1, since - 1) if used == name else since, steps, tree, rows, chain, seen)


def _changed_at(name: str, number: int, steps: Sequence[Step]) -> int | None:
    for place in range(number, 0, -1):
        before = steps[place - 2] if place > 1 else None
        if changes(before, steps[place - 1]).get(name) in {"added", "changed"}:
            return place
    return None


def _result_of(step: Step, rows: Sequence[HistoryRow]) -> str:
    """What the step waited for, by the event that set it going."""
    event = next((row.event for row in rows if row.sequence == step.sequence), None)
    match event:
        case h.TaskCompleted() | h.TaskFailed():
            asked = next(
                (row.event for row in rows if isinstance(row.event, h.TaskScheduled) and row.event.event_id == event.task_scheduled_id),
                None,
            )
            if isinstance(asked, h.TaskScheduled):
                attempt = f" attempt {asked.attempt}" if asked.attempt > 1 else ""
                return f"result of {asked.name}{attempt}"
        case h.EventRaised():
            return f"event {event.name}" + (f" raised by {event.raised_by}" if event.raised_by else "")
        case _:
            pass
    return step.event


def _binding(name: str, tree: ast.AST, lines: set[int]) -> tuple[int, ast.expr] | None:
    """The last statement that binds the name and of which a line ran: its line, and what it binds the name to."""
    found = [
        (node.lineno, value)
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt | ast.expr)
        for target, value in _bindings(node)
        if name in target and any(node.lineno <= line <= (node.end_lineno or node.lineno) for line in lines)
    ]
    return max(found, key=lambda one: one[0]) if found else None


def _bindings(node: ast.AST) -> Iterator[tuple[set[str], ast.expr]]:
    match node:
        case ast.Assign(targets=targets, value=value):
            yield {one for target in targets for one in _names(target)}, value
        case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value):
            yield set(_names(target)), value
        case ast.AugAssign(target=target, value=value):
            yield set(_names(target)), ast.BinOp(left=_loaded(target), op=node.op, right=value)
        case ast.For(target=target, iter=value) | ast.AsyncFor(target=target, iter=value):
            yield set(_names(target)), value
        case _:
            return


def _loaded(target: ast.expr) -> ast.expr:
    return ast.parse(ast.unparse(target), mode="eval").body


def _wait_in(value: ast.expr) -> ast.Call | None:
    """The call that is waited for where the value is what a yield or an await gives."""
    for node in ast.walk(value):
        if isinstance(node, ast.Yield | ast.Await | ast.YieldFrom) and node.value is not None:
            calls = [one for one in ast.walk(node.value) if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute)]
            return next((one for one in calls if isinstance(one.func, ast.Attribute) and one.func.attr in _WAITS), None) or ast.Call(
                func=ast.Name(id="_"), args=[], keywords=[]
            )
    return None


def _input_of(call: ast.Call) -> ast.expr | None:
    given = next((keyword.value for keyword in call.keywords if keyword.arg == "input"), None)
    return given if given is not None else (call.args[1] if len(call.args) > 1 else None)


def _names(node: ast.AST) -> list[str]:
    return list(dict.fromkeys(one.id for one in ast.walk(node) if isinstance(one, ast.Name)))


def _parameters(tree: ast.AST) -> list[str]:
    function = next((one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)), None)
    return [] if function is None else [one.arg for one in function.args.args]


def _parsed(source: str | None) -> ast.AST | None:
    try:
        return ast.parse(dedent(source or ""))
    except (SyntaxError, ValueError):
        return None
