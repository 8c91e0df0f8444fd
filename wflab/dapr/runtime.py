"""WorkflowRuntime and the decorators: how functions get their names in a lab."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar, overload
from weakref import ref

from wfengine.core.arguments import NAME_ATTRIBUTE, name_of
from wfengine.errors import InvalidArgument
from wfengine.model.circuit import CircuitBreaker
from wfengine.runtime.registry import Importance, Registry
from wflab.checking.on_edit import registered_hash
from wflab.lab import Lab, current

Function = TypeVar("Function", bound=Callable[..., Any])


class WorkflowRuntime:
    """Registers workflows and activities. It belongs to the current lab, to the `lab` it is given, or to the next one that opens.

    Several runtimes with an `app_id` each are several apps in one lab: a call with that `app_id` finds what they registered. What Dapr
    takes to reach a sidecar and to tune its worker is accepted and not needed: the engine is in this process.
    """

    def __init__(  # noqa: PLR0913, PLR0917  # Dapr's
        self,
        host: str | None = None,
        port: str | None = None,
        logger_options: Any = None,
        interceptors: Any = None,
        maximum_concurrent_activity_work_items: int | None = None,
        maximum_concurrent_orchestration_work_items: int | None = None,
        maximum_thread_pool_workers: int | None = None,
        worker_ready_timeout: float | None = None,
        max_grpc_message_length: int | None = None,
        disable_stateful_history: bool = False,  # noqa: FBT001, FBT002  # likewise
        history_cache_ttl: float | None = None,
        history_cache_max_instances: int | None = None,
        history_cache_max_bytes: int | None = None,
        *,
        lab: Lab | None = None,
        app_id: str | None = None,
    ) -> None:
        del host, port, logger_options, interceptors, worker_ready_timeout, max_grpc_message_length, disable_stateful_history
        del maximum_concurrent_activity_work_items, maximum_concurrent_orchestration_work_items, maximum_thread_pool_workers
        del history_cache_ttl, history_cache_max_instances, history_cache_max_bytes
        self.app_id = app_id
        self._lab: Lab | None = None
        self._follows = lab is None
        self._registrations: dict[tuple[str, ...], Callable[[Lab], Any]] = {}
        if lab is None:
            current.when_open(self._join)
        else:
            self._join(lab)

    @overload
    def workflow(self, function: Function, /, *, name: str | None = None) -> Function: ...
    @overload
    def workflow(self, function: None = None, /, *, name: str | None = None) -> Callable[[Function], Function]: ...
    def workflow(self, function: Function | None = None, /, *, name: str | None = None) -> Function | Callable[[Function], Function]:
        """Decorator: `@wfr.workflow` or `@wfr.workflow(name="...")`."""
        return _decorated(lambda fn: self.register_workflow(fn, name=name), function)

    @overload
    def versioned_workflow(self, function: Function, /, *, name: str, version_name: str | None = None, is_latest: bool) -> Function: ...
    @overload
    def versioned_workflow(
        self, function: None = None, /, *, name: str, version_name: str | None = None, is_latest: bool
    ) -> Callable[[Function], Function]: ...
    def versioned_workflow(
        self, function: Function | None = None, /, *, name: str, version_name: str | None = None, is_latest: bool
    ) -> Function | Callable[[Function], Function]:
        """Decorator: `@wfr.versioned_workflow(name="order", version_name="v2", is_latest=True)`; see `register_versioned_workflow`."""
        return _decorated(
            lambda fn: self.register_versioned_workflow(fn, name=name, version_name=version_name, is_latest=is_latest), function
        )

    @overload
    def activity(
        self,
        function: Function,
        /,
        *,
        name: str | None = None,
        timeout: timedelta | None = None,
        circuit_breaker: CircuitBreaker | None = None,
        transactional: bool = False,
        importance: Importance | None = None,
    ) -> Function: ...
    @overload
    def activity(
        self,
        function: None = None,
        /,
        *,
        name: str | None = None,
        timeout: timedelta | None = None,
        circuit_breaker: CircuitBreaker | None = None,
        transactional: bool = False,
        importance: Importance | None = None,
    ) -> Callable[[Function], Function]: ...
    def activity(
        self,
        function: Function | None = None,
        /,
        *,
        name: str | None = None,
        timeout: timedelta | None = None,
        circuit_breaker: CircuitBreaker | None = None,
        transactional: bool = False,
        importance: Importance | None = None,
    ) -> Function | Callable[[Function], Function]:
        """Decorator: `@wfr.activity` or `@wfr.activity(name="...")`; see `register_activity`."""
        return _decorated(
            lambda fn: self.register_activity(
                fn,
                name=name,
                timeout=timeout,
                circuit_breaker=circuit_breaker,
                transactional=transactional,
                importance=importance,
            ),
            function,
        )

    def register_workflow(self, fn: Callable[..., Any], *, name: str | None = None) -> None:
        """Register a workflow; a changed function under a known name is its new version."""
        key = ("workflow", _checked_name(fn, name))
        self._register(key, fn, name)

    def register_versioned_workflow(self, fn: Callable[..., Any], *, name: str, version_name: str | None = None, is_latest: bool) -> None:
        """Register one of several versions of a workflow. New instances take the latest; those under way keep the one they started with.

        `version_name` is the function's own name where it is not given.
        """
        version = fn.__name__ if version_name is None else version_name
        self._register(("workflow", _checked_name(fn, name), version), fn, name, version_name=version, is_latest=is_latest)

    def register_activity(
        self,
        fn: Callable[..., Any],
        *,
        name: str | None = None,
        timeout: timedelta | None = None,
        circuit_breaker: CircuitBreaker | None = None,
        transactional: bool = False,
        importance: Importance | None = None,
    ) -> None:
        """Register an activity; likewise.

        An attempt that takes longer than `timeout` fails, an open `circuit_breaker` fails it at once, and what a `transactional` one
        writes with its cursor is one transaction with its completion. `importance` changes nothing about how it runs: calls of "low" ones
        are one row in a timeline until that is opened, those of "high" ones are folded neither there nor in the graph.
        """
        self._register(
            ("activity", _checked_name(fn, name)),
            fn,
            name,
            timeout=timeout,
            circuit_breaker=circuit_breaker,
            transactional=transactional,
            importance=importance,
        )

    def __repr__(self) -> str:
        app = "" if self.app_id is None else f"app_id={self.app_id!r}, "
        where = f"in {self._lab.path.name}" if self._lab is not None and self._lab.is_open else "waiting for a lab"
        return f"WorkflowRuntime({app}{len(self._registrations)} registered, {where})"

    def start(self) -> None:
        """Opens the default lab where none is open, with all that was registered here; where one is open, there is nothing to do."""
        if self._lab is None or not self._lab.is_open:
            self._join(current.find() or Lab())

    def shutdown(self) -> None:
        """Close the lab that this runtime belongs to."""
        if self._lab is not None:
            self._lab.close()
            self._lab = None

    def wait_for_worker_ready(self, timeout: float = 30.0) -> bool:
        """Whether the engine takes work; here it does as soon as the lab is open."""
        del timeout
        return self._lab is not None and self._lab.is_open

    def _register(self, key: tuple[str, ...], fn: Callable[..., Any], name: str | None, **options: Any) -> None:
        if self._lab is not None and self._follows and not self._lab.is_open:  # closed under us
            self._lab = None
            current.when_open(self._join)

        def registration(lab: Lab) -> None:
            if key[0] == "activity":
                lab.engine.register_activity(fn, name, app_id=self.app_id, **options)
                return
            before = registered_hash(lab.engine, key[1], self.app_id, options.get("version_name"))
            lab.defined(lab.engine.register_workflow(fn, name, app_id=self.app_id, **options), before)

        if self._lab is not None:
            registration(self._lab)
        else:  # what cannot be registered is refused at its own line, not where a lab opens one day
            Registry().add("workflow" if key[0] == "workflow" else "activity", fn, name, app_id=self.app_id, **options)
        self._registrations.pop(key, None)
        self._registrations[key] = registration

    def follow(self, lab: Lab) -> None:
        """Go over to the lab that was opened in place of this one's, with all that was registered here; not where it was given its lab."""
        if self._follows and (self._lab is None or not self._lab.is_open):
            self._join(lab)

    def _join(self, lab: Lab) -> None:
        self._lab = lab
        for registration in self._registrations.values():
            registration(lab)
        if self._follows:
            lab.followers.append(ref(self))


def alternate_name(name: str | None = None) -> Callable[[Function], Function]:
    """Decorator: register the function under another name than its own."""

    def wrapper(fn: Function) -> Function:
        if hasattr(fn, NAME_ATTRIBUTE):
            raise ValueError(f"Function {fn.__name__} already has an alternate name {getattr(fn, NAME_ATTRIBUTE)}")
        fn.__dict__[NAME_ATTRIBUTE] = name or fn.__name__
        return fn

    return wrapper


@overload
def workflow(function: Function, /, *, name: str | None = None) -> Function: ...
@overload
def workflow(function: None = None, /, *, name: str | None = None) -> Callable[[Function], Function]: ...
def workflow(function: Function | None = None, /, *, name: str | None = None) -> Function | Callable[[Function], Function]:
    """Register a workflow with the current lab, or with the next one that opens: a decorator, with or without a name."""
    return WorkflowRuntime().workflow(function, name=name)


@overload
def activity(
    function: Function,
    /,
    *,
    name: str | None = None,
    timeout: timedelta | None = None,
    circuit_breaker: CircuitBreaker | None = None,
    transactional: bool = False,
    importance: Importance | None = None,
) -> Function: ...
@overload
def activity(
    function: None = None,
    /,
    *,
    name: str | None = None,
    timeout: timedelta | None = None,
    circuit_breaker: CircuitBreaker | None = None,
    transactional: bool = False,
    importance: Importance | None = None,
) -> Callable[[Function], Function]: ...
def activity(
    function: Function | None = None,
    /,
    *,
    name: str | None = None,
    timeout: timedelta | None = None,
    circuit_breaker: CircuitBreaker | None = None,
    transactional: bool = False,
    importance: Importance | None = None,
) -> Function | Callable[[Function], Function]:
    """Register an activity with the current lab, or with the next one that opens: a decorator, with or without a name."""
    decorate: Callable[[Function], Function] = WorkflowRuntime().activity(
        name=name, timeout=timeout, circuit_breaker=circuit_breaker, transactional=transactional, importance=importance
    )
    return decorate if function is None else decorate(function)


def _checked_name(function: Callable[..., Any], name: str | None) -> str:
    """The name to register under; what cannot be called by it is refused now, also where no lab is open yet."""
    if not name:
        return name_of(function)
    known = getattr(function, NAME_ATTRIBUTE, name)
    if known != name:
        raise InvalidArgument(
            f"{function.__name__} already has the name {known!r}, and calls that pass the function would go there. Register it under that name."
        )
    return name


def _decorated(register: Callable[[Function], None], function: Function | None) -> Function | Callable[[Function], Function]:
    def registered(fn: Function) -> Function:
        register(fn)
        return fn

    return registered if function is None else registered(function)
