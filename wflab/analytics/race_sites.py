"""Races that a source tells of: calls that stand in one `when_any` and nowhere wait for anything else.

History has no word for a race. Of timers and waits asked for together it can be told all the same; calls asked for together may as well be
waited for one after the other. So they are a race only where the text leaves no doubt: `yield when_any([a, b])` over calls, or over names that are
bound once, each to one call, in the same block, with nothing between that waits or leaves. All else is no race here.
"""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from wflab.analytics.call_sites import CallSite, SiteKind, call_sites, parsed

_RUNNERS: dict[str, SiteKind] = {
    "call_activity": "activity",
    "call_child_workflow": "child",
    "create_timer": "timer",
    "wait_for_external_event": "event_wait",
}
_WAITS = ast.Yield | ast.YieldFrom | ast.Await
_LEAVES = ast.Return | ast.Raise | ast.Break | ast.Continue
_MAYBE = ast.IfExp | ast.BoolOp | ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_PASSED_ONCE = ast.Expr | ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Return
_INNER = ("def", "lambda")
_Sites = Mapping[tuple[int, int], CallSite]


class Runner(msgspec.Struct, frozen=True, kw_only=True):
    """One call that runs in a race, as its CallSite has it. `is_left`: once another has won, nothing waits for it any more."""

    kind: SiteKind
    callee: str | None
    line: int
    is_left: bool


class RaceSite(msgspec.Struct, frozen=True, kw_only=True):
    """One `when_any`; all its runners are asked for in the same turn."""

    line: int
    runners: tuple[Runner, ...]


def race_sites(source: str | None) -> list[RaceSite]:
    """The races that are certain, in the order of the text; none where there is no source, or it does not parse."""
    tree, lines_before = parsed(source or "")
    if tree is None:
        return []
    sites = {(site.line + lines_before, site.column): site for site in call_sites(source) if not site.is_undo}
    reading = _Reading(tree, sites, lines_before)
    try:
        return sorted((race for block in _blocks(tree) for race in reading.races(block)), key=lambda race: race.line)
    except RecursionError:  # text nested deeper than anybody writes
        return []


class _Reading:
    """What the names of one source are bound to and what they are used for."""

    def __init__(self, tree: ast.AST, sites: _Sites, lines_before: int) -> None:
        self._sites = sites
        self._lines_before = lines_before
        nodes = list(ast.walk(tree))
        names = [node for node in nodes if isinstance(node, ast.Name)]
        self._bound = Counter(name.id for name in names if not isinstance(name.ctx, ast.Load))
        self._bound.update(node.arg for node in nodes if isinstance(node, ast.arg))
        self._loads = Counter(name.id for name in names if isinstance(name.ctx, ast.Load))
        # To compare a task or to ask for its result is not to wait for it.
        looks = [one for node in nodes if isinstance(node, ast.Compare) for one in (node.left, *node.comparators)]
        looks += [node.value for node in nodes if isinstance(node, ast.Attribute)]
        self._looks = Counter(one.id for one in looks if isinstance(one, ast.Name))

    def races(self, block: Sequence[ast.stmt]) -> Iterator[RaceSite]:
        """Those whose `when_any` stands in this block."""
        for place, statement in enumerate(block):
            raced = _raced(statement)
            if raced is None:
                continue
            found = [self._runner(one, block[:place]) for one in raced.elts]
            runners = [runner for runner, _ in found if runner is not None]
            begin = min((begin for _, begin in found), default=place)
            is_straight = not any(isinstance(node, _WAITS | _LEAVES) for passed in block[begin:place] for node in ast.walk(passed))
            if len(runners) == len(found) > 1 and is_straight:
                yield RaceSite(line=raced.lineno - self._lines_before, runners=tuple(runners))

    def _runner(self, one: ast.expr, before: Sequence[ast.stmt]) -> tuple[Runner | None, int]:
        """The runner, and the place of the statement that asks for it."""
        if isinstance(one, ast.Call):
            return self._called(one, is_left=True), len(before)
        if isinstance(one, ast.Name) and self._bound[one.id] == 1:
            for place, statement in enumerate(before):
                call = _bound_call(statement, one.id)
                if call is not None:
                    return self._called(call, is_left=self._loads[one.id] == 1 + self._looks[one.id]), place
        return None, len(before)

    def _called(self, call: ast.Call, *, is_left: bool) -> Runner | None:
        verb = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        site = self._sites.get((call.lineno, call.col_offset))
        if site is None or _RUNNERS.get(verb) != site.kind or any(construct.startswith(_INNER) for construct in site.within):
            return None
        if site.callee is None and site.kind != "timer":
            return None
        return Runner(kind=site.kind, callee=site.callee, line=site.line, is_left=is_left)


def _blocks(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        for _, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                yield value


def _raced(statement: ast.stmt) -> ast.List | ast.Tuple | None:
    """What this statement waits for the first of, if it surely passes there once and waits for nothing else."""
    expressions: list[ast.AST]
    match statement:
        case ast.If(test=test):
            expressions = [test]
        case ast.Match(subject=subject):
            expressions = [subject]
        case _ if isinstance(statement, _PASSED_ONCE):
            expressions = [statement]
        case _:
            return None
    waits = [node for expression in expressions for node in ast.walk(expression) if isinstance(node, _WAITS)]
    certain = [node for expression in expressions for node in _surely(expression) if isinstance(node, ast.Yield | ast.Await)]
    if len(waits) != 1 or waits != certain:
        return None
    match certain[0].value:
        case ast.Call(func=ast.Name(id="when_any") | ast.Attribute(attr="when_any"), args=[ast.List() | ast.Tuple() as raced], keywords=[]):
            return raced
    return None


def _surely(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    if not isinstance(node, _MAYBE):
        for child in ast.iter_child_nodes(node):
            yield from _surely(child)


def _bound_call(statement: ast.stmt, name: str) -> ast.Call | None:
    """The call that the statement binds this name to."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=bound)], value=ast.Call() as call) if bound == name:
            return call
        case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)) if len(names) == len(values):
            pairs = zip(names, values, strict=True)
            return next((one for to, one in pairs if isinstance(to, ast.Name) and to.id == name and isinstance(one, ast.Call)), None)
        case ast.AnnAssign(target=ast.Name(id=bound), value=ast.Call() as call) if bound == name:
            return call
    return None
