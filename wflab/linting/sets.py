"""Where the order of a set gets out: into actions, or into a list that has an order for ever after."""

import ast

from wflab.linting.naming import Names

_KEEPS_ORDER_OUT = {"sorted", "set", "frozenset", "sum", "min", "max", "len", "any", "all", "Counter", "bool"}
_TAKES_ORDER = {"list", "tuple", "enumerate", "iter", "zip", "map", "reversed", "next", "dict"}
_OF_SETS = {"union", "intersection", "difference", "symmetric_difference", "copy"}
_LETS_OUT = {"append", "extend", "insert", "appendleft", "join"}


class Sets:
    """Which expressions of a function are sets, as far as its source tells."""

    def __init__(self, node: ast.FunctionDef | ast.AsyncFunctionDef, names: Names) -> None:
        self._names = names
        self._variables: set[str] = set()
        arguments = [*node.args.args, *node.args.kwonlyargs]
        self._variables |= {one.arg for one in arguments if one.annotation is not None and _is_set_type(one.annotation)}
        for _ in range(2):  # a set made of a set
            for one in ast.walk(node):
                match one:
                    case ast.Assign(targets=[ast.Name(id=name)], value=value) if self.is_set(value):
                        self._variables.add(name)
                    case ast.AnnAssign(target=ast.Name(id=name), annotation=kind) if _is_set_type(kind):
                        self._variables.add(name)
        for one in ast.walk(node):  # a variable that is a list in the meantime is not told
            match one:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in self._variables and not self.is_set(value):
                    self._variables.discard(name)

    def is_set(self, node: ast.expr) -> bool:
        """Whether it is a set for sure, and not one of whole numbers, whose order is always the same."""
        match node:
            case ast.Set(elts=elements):
                return not all(isinstance(one, ast.Constant) and isinstance(one.value, int) for one in elements)
            case ast.SetComp():
                return not (isinstance(node.generators[0].iter, ast.Call) and _called(node.generators[0].iter) == "range")
            case ast.Call(func=ast.Name(id="set" | "frozenset" as name), args=arguments) if not self._names.is_local(name):
                return not (arguments and isinstance(arguments[0], ast.Call) and _called(arguments[0]) == "range")
            case ast.Call(func=ast.Attribute(value=value, attr=attribute)):
                return attribute in _OF_SETS and self.is_set(value)
            case ast.BinOp(left=left, op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor(), right=right):
                return self.is_set(left) or self.is_set(right)
            case ast.Name(id=name):
                return name in self._variables or (not self._names.is_local(name) and isinstance(self._names.find(node), set | frozenset))
        return False


def _is_set_type(annotation: ast.expr) -> bool:
    match annotation:
        case ast.Name(id=name):
            return name in {"set", "frozenset", "Set"}
        case ast.Subscript(value=value):
            return _is_set_type(value)
        case ast.Constant(value=str(text)):
            return text.startswith(("set", "frozenset"))
    return False


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else call.func.attr if isinstance(call.func, ast.Attribute) else ""


def takes_order(call: ast.Call) -> bool:
    """Whether the call makes the order of what it is given into one that stays."""
    return _called(call) in _TAKES_ORDER or (isinstance(call.func, ast.Attribute) and call.func.attr in {"join", "extend"})


def keeps_order_out(call: ast.Call) -> bool:
    """Whether the call's result is the same in whatever order its argument comes."""
    return _called(call) in _KEEPS_ORDER_OUT


def lets_out(body: list[ast.stmt], is_action: "object") -> bool:
    """Whether a loop's body does something whose order shows."""
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Yield | ast.YieldFrom | ast.Await | ast.Return | ast.Break):
                return True
            if isinstance(node, ast.Call) and (
                (callable(is_action) and is_action(node)) or (isinstance(node.func, ast.Attribute) and node.func.attr in _LETS_OUT)
            ):
                return True
    return False
