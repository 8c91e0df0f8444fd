"""Where in a workflow's source its calls stand: read from the text alone, never run.

History does not say which line asked for a step. But where exactly one place in the source can have asked for it, that place is its line.
The reading errs on the side of not knowing: a callee that is a variable may be any activity, and code elsewhere that is handed the context may
ask for anything. Text that is no Python has no call-sites.
"""

import ast
from collections.abc import Iterator, Sequence
from textwrap import dedent
from typing import Literal

import msgspec

SiteKind = Literal["activity", "child", "detached", "timer", "event_wait", "can", "helper"]
_VERBS: dict[str, tuple[SiteKind, str]] = {
    "call_activity": ("activity", "activity"),
    "call_child_workflow": ("child", "workflow"),
    "schedule_new_workflow": ("detached", "workflow"),
    "create_timer": ("timer", ""),
    "wait_for_external_event": ("event_wait", "name"),
    "continue_as_new": ("can", ""),
}
_LOOPS = ("for", "while", "comprehension", "def", "lambda")
_BRANCHES = ("if", "else", "except", "case", "def", "lambda")
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class CallSite(msgspec.Struct, frozen=True, kw_only=True):
    """One expression that asks for something: `ctx.call_activity(charge)`, also `ctx.step`, `saga.step` and its undo (`is_undo`, at the same place).

    `callee` is the name as the source has it, for an event wait the event's; None where it is worked out as the code runs, and for timers.
    A `helper` is code elsewhere that is given the context, `callee` its name: whatever it asks for is not in this source. `line` counts from
    1 within the source, `column` from 0. `within` are the constructs around it, outermost first, each with its line: `("for 9", "else 11")`.
    """

    kind: SiteKind
    callee: str | None
    line: int
    column: int
    within: tuple[str, ...] = ()
    is_undo: bool = False
    is_saga_step: bool = False
    is_pivot: bool = False

    @property
    def is_in_loop(self) -> bool:
        """Whether it may be passed several times. So may what stands in an inner function or lambda."""
        return any(construct.startswith(_LOOPS) for construct in self.within)

    @property
    def is_in_branch(self) -> bool:
        """Whether a run may end without passing it: also an except clause, an inner function."""
        return any(construct.startswith(_BRANCHES) for construct in self.within)


def call_sites(source: str | None) -> list[CallSite]:
    """Every call-site, in the order of the text; none where there is no source, or it does not parse."""
    tree, lines_before = parsed(source or "")
    if tree is None:
        return []
    try:
        found = list(_Reading(tree).sites(tree, ()))
    except RecursionError:  # text nested deeper than anybody writes
        return []
    placed = [msgspec.structs.replace(site, line=site.line - lines_before) for site in found] if lines_before else found
    return sorted(placed, key=lambda site: (site.line, site.column, site.is_undo))


def planned_of(source: str | None) -> list[CallSite]:
    """What a run of this source may come to, in the order of the text: the dotted part of a graph before anything has happened.

    Activities, children, detached workflows, timers, waits and the next generation; without helpers, whose doings are unknown, and without
    undos, which no one plans. `is_in_loop`: one node that may be passed many times. `is_in_branch`: it may not be taken; `within` tells which
    ones exclude each other (`if 7` and `else 7`). A site whose `callee` is None is a node without a name. What has happened is matched by
    the line of its spans (`Span.line`), or where that is None by kind and name. Text that does not parse: an empty list.
    """
    return [site for site in call_sites(source) if site.kind != "helper" and not site.is_undo]


class Sites:
    """The call-sites of one source, asked which of them made a step."""

    def __init__(self, sites: Sequence[CallSite]) -> None:
        self._sites = sites
        self._known: dict[tuple[str, str], int | None] = {}

    def line_of(self, kind: str, name: str) -> int | None:
        """The line of the one site that can have asked for this; None for none and for several. Names of timers do not count."""
        asked = (kind, "" if kind == "timer" else name)
        if asked not in self._known:
            able = [site for site in self._sites if _can_make(site, *asked)]
            self._known[asked] = able[0].line if len(able) == 1 and able[0].kind == kind else None
        return self._known[asked]

    def place_of(self, kind: str, name: str, *, is_asked: bool = True, is_detached: bool = False) -> tuple[str, int | None]:
        """What a group of steps is called within its run, and its line where that is certain. Timers go by their line alone."""
        line = self.line_of("detached" if is_detached else kind, name) if is_asked else None
        return (f"{kind} {name}" if line is None else f"{kind} {'' if kind == 'timer' else name}@{line}"), line


def _can_make(site: CallSite, kind: str, name: str) -> bool:
    if site.kind == "helper":
        return True
    return site.kind == kind and (kind in {"timer", "can"} or site.callee is None or site.callee == name)


def parsed(source: str) -> tuple[ast.AST | None, int]:
    """The tree, and how many lines stand before the source in it."""
    # A method or an inner function is indented; where a text within it is not, dedenting does not help.
    for text, lines_before in ((dedent(source), 0), (f"if True:\n{source}", 1)):
        try:
            return ast.parse(text), lines_before
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None, 0


class _Reading:
    """What the names of one source stand for, and the walk through it."""

    def __init__(self, tree: ast.AST) -> None:
        functions = [node for node in ast.walk(tree) if isinstance(node, _Function)]
        self._workflow = functions[0] if functions else None  # the walk is by levels, so that this is the outermost
        self._inner = {function.name for function in functions[1:]}
        self._contexts = set[str]()
        if self._workflow is not None:
            given = [argument.arg for argument in (*self._workflow.args.posonlyargs, *self._workflow.args.args)]
            self._contexts.update(given[1:2] if given[:1] in (["self"], ["cls"]) else given[:1])
        self._sagas = {
            target.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _last_name(node.value.func) == "Saga"
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        self._variables = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        self._variables.update(node.arg for node in ast.walk(tree) if isinstance(node, ast.arg))

    def sites(self, node: ast.AST, within: tuple[str, ...]) -> Iterator[CallSite]:
        """The sites in and under `node`."""
        if node is self._workflow and isinstance(node, _Function):
            yield from self._all(node.body, within)  # decorators and defaults ran when it was defined
            return
        match node:
            case ast.Call():
                yield from self._call(node, within)
            case ast.Attribute(value=ast.Name(id=name), attr=verb) if name in self._contexts:
                if verb in _VERBS:  # handed on to be called by whoever, with whatever
                    yield _site(node, _VERBS[verb][0], None, within)
                elif verb == "step":
                    yield _site(node, "activity", None, within)
            case ast.Name(id=name, ctx=ast.Load()) if name in self._contexts:
                yield _site(node, "helper", None, within)
            case _:
                for children, label in _parts(node):
                    yield from self._all(children, (*within, label) if label else within)

    def _all(self, nodes: Sequence[ast.AST], within: tuple[str, ...]) -> Iterator[CallSite]:
        for node in nodes:
            yield from self.sites(node, within)

    def _call(self, call: ast.Call, within: tuple[str, ...]) -> Iterator[CallSite]:
        arguments: list[ast.AST] = [*call.args, *(keyword.value for keyword in call.keywords)]
        match call.func:
            case ast.Attribute(attr=verb, value=receiver) if verb in _VERBS:
                kind, parameter = _VERBS[verb]
                yield _site(call, kind, self._callee(call, parameter) if parameter else None, within)
                yield from self._all([] if self._is_context(receiver) else [receiver], within)
            case ast.Attribute(attr="step", value=ast.Name(id=name)) if name in self._contexts:
                named = next((keyword.value for keyword in call.keywords if keyword.arg == "name"), None)
                yield _site(call, "activity", self._callee(call, "function") if named is None else self._name(named), within)
            case ast.Attribute(attr="step", value=ast.Name(id=name)) if name in self._sagas:
                pivot = any(keyword.arg == "pivot" and _is_true(keyword.value) for keyword in call.keywords)
                step = _site(call, "activity", self._callee(call, "activity"), within)
                yield msgspec.structs.replace(step, is_saga_step=True, is_pivot=pivot)
                undo = next((keyword.value for keyword in call.keywords if keyword.arg == "undo"), None)
                if undo is not None:
                    yield _site(call, "activity", self._name(undo), within, is_undo=True)
            case func:
                called = _last_name(func)
                is_known = called == "Saga" or (isinstance(func, ast.Name) and called in self._inner)
                given = [argument for argument in arguments if self._is_context(argument)]
                if given and not is_known:
                    yield _site(call, "helper", called, within)
                arguments = [argument for argument in arguments if argument not in given]
                yield from self.sites(func, within)
        yield from self._all(arguments, within)

    def _callee(self, call: ast.Call, parameter: str) -> str | None:
        given = call.args[:1] or [keyword.value for keyword in call.keywords if keyword.arg == parameter]
        return self._name(given[0]) if given else None

    def _name(self, expression: ast.AST) -> str | None:
        match expression:
            case ast.Constant(value=str(name)):
                return name
            case ast.Name(id=name) if name not in self._variables and not name.isupper():  # a constant may hold any name
                return name
            case ast.Attribute(attr=name):
                return name
        return None

    def _is_context(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id in self._contexts


def _parts(node: ast.AST) -> Iterator[tuple[Sequence[ast.AST], str]]:
    """What a node consists of, and which of it stands under a construct that may not be passed just once."""
    line = getattr(node, "lineno", 0)
    match node:
        case ast.If() | ast.IfExp():
            yield [node.test], ""
            yield _listed(node.body), f"if {line}"
            yield _listed(node.orelse), f"else {line}"
        case ast.For() | ast.AsyncFor():
            yield [node.iter], ""
            yield node.body, f"for {line}"
            yield node.orelse, f"else {line}"
        case ast.While():
            yield [node.test, *node.body], f"while {line}"
            yield node.orelse, f"else {line}"
        case ast.BoolOp():
            yield node.values[:1], ""
            yield node.values[1:], f"if {line}"
        case ast.ExceptHandler():
            yield node.body, f"except {line}"
        case ast.match_case():
            yield [node.guard] if node.guard else [], ""
            yield node.body, f"case {node.body[0].lineno}"
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield [*node.decorator_list, *node.args.defaults], ""
            yield node.body, f"def {line}"
        case ast.Lambda():
            yield [node.body], f"lambda {line}"
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            yield from _parts_of_comprehension(node, f"comprehension {line}")
        case _:
            yield list(ast.iter_child_nodes(node)), ""


def _parts_of_comprehension(node: _Comprehension, label: str) -> Iterator[tuple[Sequence[ast.AST], str]]:
    first, *others = node.generators
    yield [first.iter], ""  # it is worked out once
    yield first.ifs, label
    for generator in others:
        yield [generator.iter, *generator.ifs], label
    yield [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt], label


def _listed(part: Sequence[ast.AST] | ast.AST) -> Sequence[ast.AST]:
    return [part] if isinstance(part, ast.AST) else part


def _last_name(expression: ast.AST) -> str | None:
    match expression:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return None


def _is_true(expression: ast.AST) -> bool:
    return isinstance(expression, ast.Constant) and expression.value is True


def _site(node: ast.expr, kind: SiteKind, callee: str | None, within: tuple[str, ...], *, is_undo: bool = False) -> CallSite:
    return CallSite(kind=kind, callee=callee, line=node.lineno, column=node.col_offset, within=within, is_undo=is_undo)
