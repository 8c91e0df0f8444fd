"""Names and the functions behind them: every version that was registered, newest last.

Registering a name again is never an error: an unchanged function changes nothing, a changed one is a new version, and instances in flight keep
the version that they started with as long as it is in memory. We keep a copy of each function with its own code object, because tools like
`%autoreload` exchange the code inside the old function object.
"""

import hashlib
import inspect
import linecache
import marshal
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import Any, Literal, get_args, get_type_hints

import msgspec

from wfengine.core.arguments import NAME_ATTRIBUTE, checked_text, name_of
from wfengine.errors import InvalidArgument
from wfengine.model.circuit import CircuitBreaker
from wfengine.model.payload import coerce_to_model, is_model_class
from wfengine.model.spans import LONGEST_SPAN
from wfengine.model.work import DefinitionRow

Kind = Literal["workflow", "activity"]
Importance = Literal["low", "normal", "high"]


class Definition:
    """One version of a workflow or an activity. Call it with (ctx, input).

    `timeout_s`, `circuit_breaker` and `transactional` are for activities: how long an attempt may take where the call does not say, what keeps
    attempts from being made, and whether its writes to the lab's database and its completion are one. `importance`, theirs too, is a hint to
    whoever shows runs: nothing runs differently because of it.
    """

    def __init__(  # noqa: PLR0913  # all that may be said of one when it is registered
        self,
        kind: Kind,
        name: str,
        function: Callable[..., Any],
        *,
        packages: dict[str, str] | None = None,
        app_id: str | None = None,
        version: str | None = None,
        timeout: timedelta | None = None,
        circuit_breaker: CircuitBreaker | None = None,
        transactional: bool = False,
        importance: Importance | None = None,
    ) -> None:
        if not callable(function):
            raise InvalidArgument(f"A {kind} is a function, not {type(function).__name__}.")
        plain = _plain(function)
        if inspect.isasyncgenfunction(plain):
            raise InvalidArgument(f"{name!r} both awaits and yields. Use `await` only (async def), or `yield` only (def).")
        self.kind: Kind = kind
        self.name = name
        self.app_id = app_id
        self.version = version
        self.source = _source(plain)
        self.code_hash = _code_hash(plain, self.source)
        self.function = _own_copy(function)
        self.is_coroutine = inspect.iscoroutinefunction(function if isinstance(function, FunctionType) else plain)
        self.timeout = timeout
        self.timeout_s = None if timeout is None else _seconds(timeout)
        self.circuit_breaker = circuit_breaker
        self.transactional = transactional
        self.importance = importance
        if importance is not None and importance not in get_args(Importance):
            raise InvalidArgument(f"importance must be 'low', 'normal' or 'high' (or None), not {importance!r}.")
        if circuit_breaker is not None and not isinstance(circuit_breaker, CircuitBreaker):
            raise InvalidArgument(f"circuit_breaker must be a CircuitBreaker(...), not {circuit_breaker!r}.")
        if transactional and self.is_coroutine:
            raise InvalidArgument(f"A transactional activity is a plain function: write `def {name}(ctx, input):`, without `async`.")
        self._takes_input, self._model = _input_parameter(kind, name, function)
        self.row = DefinitionRow(
            name=name,
            kind=kind,
            code_hash=self.code_hash,
            source=self.source,
            origin=_origin(plain),
            packages=packages or {},
            registered_at=datetime.now(UTC),
            version=version,
            app_id=app_id,
        )

    def is_same(self, other: "Definition") -> bool:
        """Whether registering this one after the other changes nothing."""
        mine = (self.code_hash, self.timeout, self.circuit_breaker, self.transactional, self.importance)
        return mine == (other.code_hash, other.timeout, other.circuit_breaker, other.transactional, other.importance)

    def __call__(self, ctx: Any, payload: Any) -> Any:
        """Run the function; its input becomes the pydantic model that it annotates, if it does."""
        if not self._takes_input:
            return self.function(ctx)
        if self._model is not None and payload is not None:
            payload = coerce_to_model(payload, self._model)
        return self.function(ctx, payload)


class _Named(msgspec.Struct, frozen=True):
    """All that one name of one app stands for: by version name (None: unversioned) the versions of the code, newest last."""

    versions: dict[str | None, dict[str, Definition]] = {}
    latest: str | None = None

    def newest(self, version: str | None) -> Definition | None:
        found = self.versions.get(version)
        return next(reversed(found.values())) if found else None


class Registry:
    """Registered workflows and activities, by kind, app and name; any thread may call. The app None is the lab's own."""

    def __init__(self) -> None:
        self._names: dict[tuple[Kind, str | None, str], _Named] = {}
        self._lock = threading.Lock()

    def add(
        self,
        kind: Kind,
        function: Callable[..., Any],
        name: str | None = None,
        *,
        app_id: str | None = None,
        version_name: str | None = None,
        is_latest: bool = False,
        is_aside: bool = False,
        **options: Any,
    ) -> tuple[Definition, bool]:
        """Register `function`; also tells whether this changes the newest code. Older code becomes the newest again.

        `version_name` is for workflows: new instances take the version that was registered last as the latest; one that stands aside is taken only
        by those that ask for it. `options` are an activity's.
        """
        name = checked_text(name or name_of(function), f"a {kind}'s name")
        app_id = None if app_id is None else checked_text(app_id, "app_id")
        version_name = None if version_name is None else checked_text(version_name, "version_name")
        definition = Definition(kind, name, function, app_id=app_id, version=version_name, **options)
        if not hasattr(function, NAME_ATTRIBUTE):
            with suppress(AttributeError, TypeError):  # built-in functions and classes take no notes
                function.__dict__[NAME_ATTRIBUTE] = name
        with self._lock:
            named = self._names.get((kind, app_id, name), _Named())
            newest = named.newest(version_name)
            becomes_latest = version_name is not None and is_latest
            is_new = newest is None or not definition.is_same(newest) or (becomes_latest and named.latest != version_name)
            others = {known: one for known, one in named.versions.get(version_name, {}).items() if known != definition.code_hash}
            is_first = is_aside and version_name not in named.versions  # where nobody is the latest, the last one is taken
            versions = {version_name: {**others, definition.code_hash: definition}}
            self._names[kind, app_id, name] = _Named(
                versions={**versions, **named.versions} if is_first else {**named.versions, **versions},
                latest=version_name if becomes_latest else named.latest,
            )
        return definition, is_new

    def find(
        self, kind: Kind, name: str, code_hash: str | None = None, *, app_id: str | None = None, version: str | None = None
    ) -> Definition | None:
        """The code of this hash if it is in memory, else the newest of this version; None where name or version is unknown.

        Without a version: the unversioned code, else the latest version.
        """
        named = self._names.get((kind, app_id, name))  # no lock: what is found here is never changed, only exchanged
        if named is None:
            return None
        if version is None and None not in named.versions:
            version = named.latest or next(reversed(named.versions))
        versions = named.versions.get(version)
        if not versions:
            return None
        return versions.get(code_hash or "") or next(reversed(versions.values()))

    def versions(self, name: str, *, app_id: str | None = None) -> list[str]:
        """The version names of a workflow, in the order of registration."""
        named = self._names.get(("workflow", app_id, name))
        return [] if named is None else [version for version in named.versions if version is not None]

    def names(self, kind: Kind, *, app_id: str | None = None) -> list[str]:
        """What is registered for this app."""
        with self._lock:
            return sorted(name for of_kind, app, name in self._names if (of_kind, app) == (kind, app_id))

    def of_importance(self, importance: Importance) -> set[str]:
        """The activities of which the newest code is declared so, in any app."""
        with self._lock:
            found = [(name, named.newest(None)) for (kind, _, name), named in self._names.items() if kind == "activity"]
        return {name for name, newest in found if newest is not None and newest.importance == importance}

    def apps(self) -> set[str]:
        """The apps that have registered anything, beside the lab itself."""
        with self._lock:
            return {app for _, app, _ in self._names if app is not None}


def _seconds(timeout: timedelta) -> float:
    if not isinstance(timeout, timedelta) or not timedelta(0) < timeout <= LONGEST_SPAN:
        raise InvalidArgument(
            f"timeout must be a timedelta of more than 0 and at most a hundred years, for example timedelta(seconds=30), not {timeout!r}."
        )
    return timeout.total_seconds()


def _own_copy(function: Callable[..., Any]) -> Callable[..., Any]:
    if not isinstance(function, FunctionType):
        return function
    copy = FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__)
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__dict__.update(function.__dict__)
    return copy


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function that was written down, under decorators, partials, methods and objects that can be called."""
    while True:
        inner = function.func if isinstance(function, partial) else getattr(function, "__func__", getattr(function, "__wrapped__", None))
        if inner is None:
            break
        function = inner
    of_class = type(function).__call__
    return of_class if not isinstance(function, FunctionType) and isinstance(of_class, FunctionType) else function


def _source(function: Callable[..., Any]) -> str | None:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return None


def _origin(function: Callable[..., Any]) -> str | None:
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType):
        return None
    cell = linecache.cache.get(code.co_filename)
    in_notebook = cell is not None and "ipykernel" in code.co_filename
    return "a notebook cell" if in_notebook else f"{code.co_filename}:{code.co_firstlineno}"


def _code_hash(function: Callable[..., Any], source: str | None) -> str:
    """The function's source and what it reads of its module: plain functions by their source, constants by value."""
    digest = hashlib.sha256(_text_of(function, source))
    if isinstance(function, FunctionType):
        for name in sorted(_names_in(function.__code__)):
            value = function.__globals__.get(name)
            if isinstance(value, str | int | float | bool | tuple | frozenset):
                digest.update(f"{name}={_constant(value)};".encode("utf-8", "backslashreplace"))
            elif isinstance(value, FunctionType) and value is not function and not hasattr(value, NAME_ATTRIBUTE):
                digest.update(name.encode() + _text_of(value, _source(_plain(value))))
    return digest.hexdigest()[:16]


def _constant(value: Any) -> str:
    """The same text in every process: sets have no order, and other objects show addresses."""
    if isinstance(value, tuple):
        return f"({','.join(map(_constant, value))})"
    if isinstance(value, frozenset):
        return f"{{{','.join(sorted(map(_constant, value)))}}}"
    return repr(value) if isinstance(value, str | int | float | bool | None) else type(value).__name__


def _text_of(function: Callable[..., Any], source: str | None) -> bytes:
    if source is not None:
        return inspect.cleandoc(source).encode("utf-8", "backslashreplace")
    code = getattr(function, "__code__", None)
    return marshal.dumps(code) if isinstance(code, CodeType) else type(function).__qualname__.encode()


def _names_in(code: CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names_in(constant)
    return names


def _input_parameter(kind: Kind, name: str, function: Callable[..., Any]) -> tuple[bool, type | None]:
    """Whether the function takes an input beside the context, and the pydantic model it annotates."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return True, None
    positional = [p for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return True, None
    if not positional:
        raise InvalidArgument(f"{kind.capitalize()} {name!r} takes no arguments; write `def {name}(ctx, input):` (ctx comes first).")
    beyond = [p.name for p in positional[2:] if p.default is p.empty]
    beyond += [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    if beyond:
        raise InvalidArgument(
            f"{kind.capitalize()} {name!r} takes (ctx, input), and nothing would be passed as {beyond[0]!r}; pass several values as one dict."
        )
    if len(positional) == 1:
        return False, None
    annotation = positional[1].annotation
    if isinstance(annotation, str):
        try:
            annotation = get_type_hints(function).get(positional[1].name)
        except Exception:  # noqa: BLE001  # annotations are the user's code and may name what is not there
            return True, None
    options = [option for option in getattr(annotation, "__args__", ()) if option is not type(None)]
    if options and not isinstance(annotation, type | ModuleType) and len(options) == 1:
        annotation = options[0]
    return True, annotation if is_model_class(annotation) else None
