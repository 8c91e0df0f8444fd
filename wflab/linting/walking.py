"""The walk through one function's source. What an activity will run is passed over: functions and lambdas handed to `ctx.step` and its like."""

import ast
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType

from wfengine.core.arguments import NAME_ATTRIBUTE
from wflab.linting.naming import Names
from wflab.linting.rules import RULES, rule_of_attribute, rule_of_call
from wflab.linting.sets import Sets, keeps_order_out, lets_out, takes_order
from wflab.linting.shared_state import SharedState, writes

_ACTIONS = {
    "call_activity", "call_child_workflow", "create_timer", "wait_for_external_event", "schedule_new_workflow", "step", "continue_as_new",
}  # fmt: skip
_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_OURS = tuple(str(Path(sys.modules[name].__file__ or "").parent) + "/" for name in ("wfengine", "wflab"))
Report = Callable[[str, ast.AST, str], None]
Node = ast.FunctionDef | ast.AsyncFunctionDef


class Walk(ast.NodeVisitor):
    """Reports what one function breaks. `called` are the functions of the user's that it calls, with the calls."""

    def __init__(self, function: FunctionType, node: Node, report: Report, *, is_workflow: bool) -> None:
        self.called: list[tuple[FunctionType, ast.Call]] = []
        self._names = Names(function, node)
        self._sets = Sets(node, self._names)
        self._state = SharedState(function, self._names)
        self._report = report
        self._is_workflow = is_workflow
        self._function = node
        self._handed_over = _handed_over(node)
        self._not_replaying = 0
        self._in_nested = 0
        self._declared = {name for one in ast.walk(node) if isinstance(one, ast.Global) for name in one.names}
        self._outer = {name for one in node.body for name in _nonlocals(one)}
        self._aside: set[ast.AST] = set()
        for statement in node.body:
            self.visit(statement)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:  # ast's
        """A function within: part of the workflow, unless an activity runs it."""
        if node.name in self._handed_over or _is_activity(node):
            return
        self._in_nested += 1
        self.generic_visit(node)
        self._in_nested -= 1

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        """Likewise."""
        self.visit_FunctionDef(node)

    def visit_Call(self, node: ast.Call) -> None:
        """A call: of what breaks a rule, of an action, of a function of the user's."""
        name = self._names.qualified(node.func)
        rule = None if name is None else rule_of_call(name, len(node.args) + len(node.keywords))
        if rule is not None and not (self._not_replaying and (RULES[rule].is_hint or rule == "io")):
            self._report(rule, node, f"{ast.unparse(node.func)}() {_told(rule)}")
        if self._not_replaying and self._is_action(node):
            self._report("replaying", node, f"{ast.unparse(node.func)}() is asked for only when history is (not) replayed")
        found = self._names.find(node.func)
        if isinstance(found, FunctionType) and _is_users(found):
            self.called.append((found, node))
        if takes_order(node) and node not in self._aside and any(self._sets.is_set(one) for one in node.args):
            self._report("set-order", node, f"{ast.unparse(node)[:60]} keeps the order that a set happens to have")
        if isinstance(node.func, ast.Attribute) and node.func.attr == "pop" and not node.args and self._sets.is_set(node.func.value):
            self._report("set-order", node, f"{ast.unparse(node)} takes whichever element comes first")
        if keeps_order_out(node):
            self._aside |= set(node.args)
        self.visit(node.func)
        runs_in_activity = isinstance(node.func, ast.Attribute) and node.func.attr in {"step", "call_activity", "call_child_workflow"}
        for argument in (*node.args, *(one.value for one in node.keywords)):
            if not (runs_in_activity and isinstance(argument, ast.Lambda | ast.Name)):
                self.visit(argument)
        self._writes(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """An attribute that is not called, such as os.environ."""
        self._attribute(node)
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        """A variable that is read: one that other code writes."""
        if isinstance(node.ctx, ast.Load):
            self._attribute(node)
            if node.id not in self._declared and (writer := self._state.writer(node.id)) is not None:
                self._report("global-state", node, f"{node.id} is read here, and {writer}() changes it")

    def visit_Global(self, node: ast.Global) -> None:
        """Variables of the module that the function declares to write."""
        self._report("global-state", node, f"{', '.join(node.names)} outside of the workflow is written here")

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        """Of an enclosing function: of the workflow's own, that is fine."""
        outside = [name for name in node.names if name in self._outer and not self._in_nested]
        if outside:
            self._report("global-state", node, f"{', '.join(outside)} outside of the workflow is written here")

    def visit_Assign(self, node: ast.Assign) -> None:
        """An assignment, also into what stands outside."""
        self._writes(node)
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        """Likewise."""
        self._writes(node)
        self.generic_visit(node)

    def visit_Delete(self, node: ast.Delete) -> None:
        """Likewise."""
        self._writes(node)
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        """A branch that is taken only when history is, or is not, replayed."""
        asks, is_not = _asks_replaying(node.test)
        self.visit(node.test)
        for body, aside in ((node.body, asks and is_not), (node.orelse, asks and not is_not)):
            with self._when_not_replaying(is_aside=bool(aside)):
                for statement in body:
                    self.visit(statement)
        if asks:
            hidden = node.orelse if is_not else node.body
            for statement in hidden:
                for one in ast.walk(statement):
                    if isinstance(one, ast.Call) and self._is_action(one):
                        self._report("replaying", one, f"{ast.unparse(one.func)}() is asked for only when history is replayed")

    def visit_For(self, node: ast.For) -> None:
        """A loop over a set."""
        if self._sets.is_set(node.iter) and lets_out(node.body, self._is_action):
            self._report("set-order", node.iter, f"the loop goes through {ast.unparse(node.iter)[:60]} in whatever order that has")
        self.generic_visit(node)

    def visit_ListComp(self, node: ast.ListComp | ast.GeneratorExp | ast.DictComp) -> None:
        """A list (or a stream) made of a set."""
        over_set = any(self._sets.is_set(one.iter) for one in node.generators)
        elements = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        acts = any(isinstance(one, ast.Call) and self._is_action(one) for element in elements for one in ast.walk(element))
        if over_set and (acts or (isinstance(node, ast.ListComp) and node not in self._aside)):
            self._report("set-order", node, f"{ast.unparse(node)[:60]} keeps the order that a set happens to have")
        self.generic_visit(node)

    visit_GeneratorExp = visit_ListComp  # noqa: N815
    visit_DictComp = visit_ListComp  # noqa: N815

    def visit_Yield(self, node: ast.Yield) -> None:
        """What is yielded must be a task."""
        if self._is_workflow and not self._in_nested and _is_no_task(node.value):
            told = "nothing" if node.value is None else ast.unparse(node.value)[:60]
            self._report("not-a-task", node, f"yield of {told}, which is no task")
        self.generic_visit(node)

    def _attribute(self, node: ast.expr) -> None:
        name = self._names.qualified(node)
        rule = None if name is None else rule_of_attribute(name)
        if rule is not None:
            self._report(rule, node, f"{ast.unparse(node)} {_told(rule)}")

    def _writes(self, node: ast.AST) -> None:
        for name, place in writes(node):
            bare = isinstance(node, ast.Assign | ast.AugAssign) and not self._names.is_local(name) and name in self._declared
            if not bare and self._state.may_be_written(name) and not self._is_context(name):
                self._report("global-state", place, f"{name} outside of the workflow is changed here")

    def _is_context(self, name: str) -> bool:
        arguments = [*self._function.args.posonlyargs, *self._function.args.args]
        return bool(arguments) and arguments[0].arg == name

    def _is_action(self, call: ast.Call) -> bool:
        return isinstance(call.func, ast.Attribute) and call.func.attr in _ACTIONS

    @contextmanager
    def _when_not_replaying(self, *, is_aside: bool) -> Iterator[None]:
        self._not_replaying += is_aside
        yield
        self._not_replaying -= is_aside


def _told(rule: str) -> str:
    return {
        "clock": "reads the machine's clock",
        "random": "draws from chance of the machine's",
        "identity": "is another in each process",
        "io": "reaches out of the process",
        "environment": "depends on the process",
        "sleep": "waits, and nobody records it",
        "concurrency": "runs beside the workflow, in an order that nobody records",
        "output": "is said again at every replay",
    }[rule]


def _handed_over(node: Node) -> set[str]:
    """Functions within that an activity runs: handed to ctx.step, or called as one."""
    names = set()
    for one in ast.walk(node):
        match one:
            case ast.Call(func=ast.Attribute(attr="step" | "call_activity"), args=[ast.Name(id=name), *_]):
                names.add(name)
            case ast.keyword(arg="undo" | "activity" | "function", value=ast.Name(id=name)):
                names.add(name)
    return names


def _is_activity(node: Node) -> bool:
    return any("activity" in ast.unparse(decorator) for decorator in node.decorator_list)


def _nonlocals(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return
    for node in ast.walk(statement):
        if isinstance(node, ast.Nonlocal):
            yield from node.names


def _asks_replaying(test: ast.expr) -> tuple[bool, bool]:
    """Whether a condition asks ctx.is_replaying, and whether it is met when that is not so."""
    match test:
        case ast.Attribute(attr="is_replaying"):
            return True, False
        case ast.UnaryOp(op=ast.Not(), operand=ast.Attribute(attr="is_replaying")):
            return True, True
        case ast.BoolOp(op=ast.And(), values=values):
            return next((found for found in map(_asks_replaying, values) if found[0]), (False, False))
    return False, False


def _is_no_task(value: ast.expr | None) -> bool:
    return value is None or isinstance(
        value, ast.Constant | ast.List | ast.Tuple | ast.Dict | ast.Set | ast.JoinedStr | ast.Compare | ast.BinOp | ast.ListComp
    )


def _is_users(function: FunctionType) -> bool:
    """Whether it is a plain function of the user's own: no library, no activity, no workflow."""
    file = function.__code__.co_filename
    return not hasattr(function, NAME_ATTRIBUTE) and not file.startswith((*_LIBRARIES, *_OURS)) and not file.startswith("<frozen")
