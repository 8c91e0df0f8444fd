"""The verbs of workflow code, with Dapr's names and meaning.

A context only writes the agenda. Everything it answers follows from history, so that it answers the same at every replay.
"""

import random
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from wfengine.core.agenda import Agenda
from wfengine.core.arguments import action_of, checked_policy, checked_risk, checked_text, name_of, schema_text, seconds, step_name_of
from wfengine.core.deterministic import Deterministic, task_execution_id
from wfengine.core.replay_safe_logging import ReplaySafeLogger
from wfengine.core.retrying import event_or_timeout, with_retries
from wfengine.core.tasks import Task, settle
from wfengine.errors import InvalidArgument
from wfengine.model.actions import CreateChildWorkflow, CreateDetachedWorkflow, CreateTimer, ScheduleTask
from wfengine.model.history import ActivityRetry, ChildWorkflowRetry, EventWait, ExecutionStarted, TimerOrigin, UserTimer
from wfengine.model.payload import to_json
from wfengine.model.propagation import PropagatedHistory, PropagationScope, read_propagated
from wfengine.model.retry import RetryPolicy

Item = TypeVar("Item")
Logger = TypeVar("Logger")


def identity_of(started: ExecutionStarted) -> str:
    """What makes an execution another than all others; its ids and random numbers are drawn from it."""
    return f"{started.instance_id}/{started.occurred_at.isoformat()}/{started.execution}"


class WorkflowContext:
    """What workflow code gets as its first argument."""

    def __init__(self, agenda: Agenda, started: ExecutionStarted) -> None:
        self._agenda = agenda
        self._started = started
        self._identity = identity_of(started)
        self._drawn_from: Deterministic | None = None

    @property
    def instance_id(self) -> str:
        """The id of this instance."""
        return self._started.instance_id

    @property
    def workflow_name(self) -> str:
        """The name this workflow was started under."""
        return self._started.name

    @property
    def current_utc_datetime(self) -> datetime:
        """The time of the event that is being handled, from history. Naive, in UTC, as Dapr gives it."""
        return self._agenda.now.replace(tzinfo=None)

    @property
    def is_replaying(self) -> bool:
        """Whether history is being replayed: what runs now has run before."""
        return self._agenda.is_replaying and self._agenda.overhear is None

    def set_custom_status(self, custom_status: Any) -> None:
        """Publish a status text of the workflow's own; anything but a string is kept as JSON."""
        text = custom_status if isinstance(custom_status, str) else to_json(custom_status, "the custom status")
        self._agenda.custom_status = checked_text(text, "the custom status", may_be_empty=True)

    def call_activity(
        self,
        activity: Callable[..., Any] | str,
        *,
        input: Any = None,
        retry_policy: RetryPolicy | None = None,
        app_id: str | None = None,
        propagation: PropagationScope | None = None,
        timeout: timedelta | None = None,
        compensates: Task[Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Task[Any]:
        """Run an activity, at least once; the task's result is what it returned, recorded exactly once.

        Its failure is raised as TaskFailedError where the task is awaited, after the policy's last attempt. `app_id` names the app whose activity it
        is, `propagation` how much history it is shown, `timeout` how long each attempt may take (then it fails as ActivityTimeoutError),
        `compensates` the task of the step that it undoes. `idempotency_key` is what the activity finds as `ctx.task_execution_id`, where it does
        again what another call has tried; else the key is this call's own.
        """
        name = checked_text(name_of(activity), "an activity's name")
        payload = None if input is None else to_json(input, f"the input of activity {name!r}")
        return self._call(
            name,
            payload,
            retry_policy,
            app_id=None if app_id is None else checked_text(app_id, "app_id"),
            timeout_s=seconds(timeout),
            propagation=self._scope(propagation),
            compensates=None if compensates is None else action_of(compensates),
            key=None if idempotency_key is None else checked_text(idempotency_key, "an idempotency key"),
        )

    def step(
        self,
        function: Callable[..., Any],
        *args: Any,
        name: str | None = None,
        retry_policy: RetryPolicy | None = None,
        timeout: timedelta | None = None,
    ) -> Task[Any]:
        """Run `function(*args)` as an activity, without registering it: a function, a lambda or closure of the workflow (with a `name`).

        The arguments are recorded as JSON; after a crash the function is the one that the replayed code hands over at the same place.
        """
        if not callable(function):
            raise InvalidArgument(f"ctx.step takes a function and its arguments: ctx.step(fn, 1, 2), not {type(function).__name__}.")
        name = checked_text(name or step_name_of(function), "a step's name")
        payload = to_json(list(args), f"the argument list of step {name!r}")
        return self._call(name, payload, retry_policy, timeout_s=seconds(timeout), function=function)

    def _call(
        self,
        name: str,
        payload: str | None,
        policy: RetryPolicy | None,
        *,
        function: Callable[..., Any] | None = None,
        key: str | None = None,
        **how: Any,
    ) -> Task[Any]:
        execution_id = key or task_execution_id(self._identity, self._agenda.next_id())

        def attempt(number: int) -> Task[Any]:
            number_of_action = self._agenda.next_id()
            if function is not None:
                self._agenda.inline[number_of_action] = function
            return self._agenda.ask(
                ScheduleTask(
                    id=number_of_action,
                    name=name,
                    input=payload,
                    task_execution_id=execution_id,
                    attempt=number,
                    is_inline=function is not None,
                    **how,
                )
            )

        if policy is None:
            return attempt(1)
        first = self._agenda.next_id()
        task = self._agenda.start(
            with_retries(
                attempt,
                lambda delay, number: self._timer(delay, ActivityRetry(name=name, task_execution_id=execution_id, attempt=number)),
                checked_policy(policy),
                identity=execution_id,
            )
        )
        task.action_id = first
        return task

    def call_child_workflow(
        self,
        workflow: Callable[..., Any] | str,
        *,
        input: Any = None,
        instance_id: str | None = None,
        retry_policy: RetryPolicy | None = None,
        app_id: str | None = None,
        propagation: PropagationScope | None = None,
    ) -> Task[Any]:
        """Start another workflow with a history of its own and wait for its output; its failure is raised as TaskFailedError.

        Without an `instance_id` the child's is made from this instance's. `app_id` and `propagation` as in `call_activity`.
        """
        name = checked_text(name_of(workflow), "a workflow's name")
        app_id = None if app_id is None else checked_text(app_id, "app_id")
        scope = self._scope(propagation)
        payload = None if input is None else to_json(input, f"the input of child workflow {name!r}")
        child_id = checked_text(instance_id, "an instance id") if instance_id else f"{self.instance_id}:{self._agenda.next_id():04x}"

        def attempt(number: int) -> Task[Any]:
            return self._agenda.ask(
                CreateChildWorkflow(
                    id=self._agenda.next_id(),
                    name=name,
                    instance_id=child_id,
                    input=payload,
                    attempt=number,
                    app_id=app_id,
                    propagation=scope,
                )
            )

        if retry_policy is None:
            return attempt(1)
        return self._agenda.start(
            with_retries(
                attempt,
                lambda delay, number: self._timer(delay, ChildWorkflowRetry(name=name, instance_id=child_id, attempt=number)),
                checked_policy(retry_policy),
                identity=child_id,
            )
        )

    def schedule_new_workflow(
        self,
        workflow: Callable[..., Any] | str,
        *,
        input: Any = None,
        instance_id: str | None = None,
        start_at: datetime | timedelta | None = None,
        app_id: str | None = None,
    ) -> str:
        """Start a workflow that is nobody's child and give its id at once: nobody waits for it, and it does not end with its caller.

        Where the id belongs to a live instance when this turn is recorded, that one goes on and nothing is started.
        """
        name = checked_text(name_of(workflow), "a workflow's name")
        payload = None if input is None else to_json(input, f"the input of workflow {name!r}")
        new_id = checked_text(instance_id, "an instance id") if instance_id else self.new_guid().hex
        self._agenda.order(
            CreateDetachedWorkflow(
                id=self._agenda.next_id(),
                name=name,
                instance_id=new_id,
                input=payload,
                app_id=None if app_id is None else checked_text(app_id, "app_id"),
                scheduled_start=None if start_at is None else self._moment(start_at),
            )
        )
        return new_id

    def is_patched(self, patch_name: str) -> bool:
        """Whether to run the new code behind `if`: yes for what has not come here before, no for what had passed before the patch.

        The answer is recorded and is the same at every replay; a recorded patch must stay in the code, in its order.
        """
        return self._agenda.is_patched(checked_text(patch_name, "a patch's name"))

    def expect_awaiting(self, is_awaited: Callable[[], bool], advice: str) -> None:
        """Have the workflow fail with `advice` where it ends before `is_awaited()`: what was prepared and forgotten is a mistake."""
        self._agenda.to_be_awaited += ((is_awaited, advice),)

    def get_propagated_history(self) -> PropagatedHistory | None:
        """The history that the caller passed on with `propagation=`; None where it passed none."""
        text = self._started.propagated
        return None if text is None else read_propagated(text)

    def create_replay_safe_logger(self, logger: Logger) -> "ReplaySafeLogger[Logger]":
        """A logger that is silent while history is replayed, so that each line is logged once."""
        return ReplaySafeLogger(logger, self._agenda)

    def create_timer(self, fire_at: datetime | timedelta) -> Task[None]:
        """A durable timer: at a moment (naive means UTC) or after a span from now."""
        return self._timer(fire_at, UserTimer())

    def wait_for_external_event(
        self,
        name: str,
        *,
        timeout: datetime | timedelta | None = None,
        schema: Any = None,
        title: str | None = None,
        description: str | None = None,
        risk: str | None = None,
        requester: str | None = None,
    ) -> Task[Any]:
        """Wait for an event raised from outside; names are compared without regard to case.

        Events that came before are served first, oldest first. With a timeout the task fails with TimeoutError when it runs out; None or a negative
        timedelta waits for ever. `schema` (a pydantic model, a JSON Schema as dict) and `title` describe the answer to whoever gives it, as do
        `description` (Markdown), `risk` ("low", "medium" or "high") and `requester` (a name).
        """
        checked_text(name, "an event's name")
        told = {"title": title, "description": description, "requester": requester}
        words = {
            what: None if text is None else checked_text(text, f"the {what} of a wait", may_be_empty=True) for what, text in told.items()
        }
        if timeout is not None and not isinstance(timeout, datetime | timedelta):
            raise InvalidArgument(f"timeout must be a datetime or a timedelta, such as timedelta(hours=1), not {timeout!r}.")
        if (arrived := self._agenda.take_event(name)) is not None:
            return arrived
        if timeout == timedelta(0):
            expired: Task[Any] = Task()
            settle(expired, None, TimeoutError(f"Timed out at once waiting for external event {name!r}: it has not arrived yet"))
            return expired
        origin = EventWait(name=name, schema=schema_text(schema), risk=checked_risk(risk), **words)
        event = self._agenda.await_event(name)
        if timeout is None or (isinstance(timeout, timedelta) and timeout < timedelta(0)):
            self._agenda.ask(CreateTimer(id=self._agenda.next_id(), fire_at=None, origin=origin))
            return event
        timer = self._timer(timeout, origin)
        return self._agenda.start(
            event_or_timeout(event, timer, name=name, limit=str(timeout), stop_waiting=lambda: self._agenda.forget_waiter(name, event))
        )

    def continue_as_new(self, new_input: Any, *, save_events: bool = False) -> None:
        """Start over with a fresh history under the same id, once this turn ends; with `save_events` no unconsumed event is lost."""
        payload = None if new_input is None else to_json(new_input, "the input of continue_as_new")
        self._agenda.successor_input = (payload, save_events)

    def new_guid(self) -> uuid.UUID:
        """A UUID that is the same at every replay."""
        return self._chance().uuid(self._agenda.now)

    def uuid4(self) -> uuid.UUID:
        """As `new_guid`."""
        return self.new_guid()

    def now(self) -> datetime:
        """As `current_utc_datetime`."""
        return self.current_utc_datetime

    def random(self) -> random.Random:
        """A random generator whose numbers are the same at every replay."""
        return self._chance().random

    def random_int(self, min_value: int = 0, max_value: int = 2**31 - 1) -> int:
        """A whole number between the two, both included; the same at every replay."""
        return self._chance().random.randint(min_value, max_value)

    def random_choice(self, sequence: Sequence[Item]) -> Item:
        """One of them; the same at every replay."""
        return self._chance().random.choice(sequence)

    def random_string(self, length: int, *, alphabet: str | None = None) -> str:
        """Random letters and digits, or characters of `alphabet`; the same at every replay."""
        return self._chance().text(length, alphabet)

    def now_with_sequence(self) -> datetime:
        """As `now`, a microsecond later with each call, so that no two are equal; the same at every replay."""
        return self._chance().numbered(self.current_utc_datetime)

    def current_utc_datetime_with_sequence(self) -> datetime:
        """As `now_with_sequence`."""
        return self.now_with_sequence()

    def _chance(self) -> Deterministic:
        if self._drawn_from is None:
            self._drawn_from = Deterministic(self._started.seed or self._identity)
        return self._drawn_from

    def _scope(self, scope: Any) -> PropagationScope:
        if scope is None:
            return PropagationScope.NONE
        if not isinstance(scope, PropagationScope):
            raise InvalidArgument(f"propagation is wf.PropagationScope.OWN_HISTORY or LINEAGE, not {scope!r}.")
        self._agenda.passes_on = True
        return scope

    def _timer(self, fire_at: datetime | timedelta, origin: TimerOrigin) -> Task[Any]:
        return self._agenda.ask(CreateTimer(id=self._agenda.next_id(), fire_at=self._moment(fire_at), origin=origin))

    def _moment(self, fire_at: datetime | timedelta) -> datetime:
        if isinstance(fire_at, timedelta):
            try:
                return self._agenda.now + fire_at
            except OverflowError:
                raise InvalidArgument(f"A timer of {fire_at} ends after the year 9999; use a shorter span.") from None
        if not isinstance(fire_at, datetime):
            raise InvalidArgument(f"A timer takes a timedelta (such as timedelta(minutes=5)) or a datetime, not {fire_at!r}.")
        return fire_at.replace(tzinfo=UTC) if fire_at.tzinfo is None else fire_at.astimezone(UTC)
