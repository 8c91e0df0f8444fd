"""What workflow code and its callers hand over: checked here, so that a mistake is told where it is made and nothing is recorded."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec

from wfengine.core.tasks import Task
from wfengine.errors import InvalidArgument
from wfengine.model.payload import is_model_class, to_json
from wfengine.model.retry import RetryPolicy
from wfengine.model.spans import LONGEST_SPAN

NAME_ATTRIBUTE = "_dapr_alternate_name"
RISKS = ("low", "medium", "high")


def name_of(callee: Callable[..., Any] | str) -> str:
    """The name a function is registered under, or would be. Raises InvalidArgument for a lambda."""
    if isinstance(callee, str):
        return callee
    name = getattr(callee, NAME_ATTRIBUTE, None) or getattr(callee, "__name__", None)
    if not isinstance(name, str):
        raise InvalidArgument(f"Cannot infer a name from {type(callee).__name__}; pass a function defined with `def`, or a name.")
    if name == "<lambda>":
        raise InvalidArgument(
            "Cannot infer a name from a lambda function. Define it with `def`, or give a name: register_...(fn, name='...')."
        )
    return name


def step_name_of(function: Callable[..., Any]) -> str:
    """The name of a step that was given none. Raises InvalidArgument for a function without one."""
    try:
        return name_of(function)
    except InvalidArgument:
        told = "A step's function that has no name of its own, such as a lambda, is given one: ctx.step(fn, name='...')."
        raise InvalidArgument(told) from None


def checked_text(text: Any, what: str, *, may_be_empty: bool = False) -> str:
    """Text that can be recorded. Raises InvalidArgument for anything else, lone surrogates included."""
    if not isinstance(text, str) or not (text or may_be_empty):
        raise InvalidArgument(f"{_opening(what)} must be text, not {text!r:.80}.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidArgument(f"{_opening(what)} holds a lone surrogate (half of a character): {text!a:.80}. Remove it.") from None
    return str.__str__(text)  # a subclass of str, such as numpy's, would be no text to the encoder


def _opening(what: str) -> str:
    """It begins a sentence, unless it is the name of a parameter."""
    return f"{what[0].upper()}{what[1:]}" if " " in what else what


def checked_risk(risk: Any) -> str | None:
    """How much depends on an answer. Raises InvalidArgument for what is none of the three words, or None."""
    if risk is not None and risk not in RISKS:
        raise InvalidArgument(f"risk is 'low', 'medium' or 'high', not {risk!r:.80}.")
    return None if risk is None else str.__str__(risk)


def checked_policy(policy: Any) -> RetryPolicy:
    """Raises InvalidArgument for what is no retry policy."""
    if not isinstance(policy, RetryPolicy):
        raise InvalidArgument(f"retry_policy must be a RetryPolicy(first_retry_interval=..., max_number_of_attempts=...), not {policy!r}.")
    return policy


def action_of(task: Any) -> int:
    """The number of a call's action. Raises InvalidArgument for what is not the task of a call."""
    action_id = task.action_id if isinstance(task, Task) else None
    if action_id is None:
        raise InvalidArgument("compensates is the task of the call to undo, as ctx.call_activity gave it.")
    return action_id


def seconds(timeout: Any) -> float | None:
    """A timeout in seconds. Raises InvalidArgument for what is no span of time."""
    if timeout is None:
        return None
    if not isinstance(timeout, timedelta) or not timedelta(0) < timeout <= LONGEST_SPAN:
        raise InvalidArgument(
            f"timeout is a timedelta longer than nothing and at most a hundred years, such as timedelta(seconds=30), not {timeout!r}."
        )
    return timeout.total_seconds()


def schema_text(schema: Any) -> str | None:
    """A JSON Schema as text. Raises InvalidArgument for a class that none can be made from."""
    if schema is None:
        return None
    if is_model_class(schema):
        schema = schema.model_json_schema()
    if isinstance(schema, type):
        try:
            schema = msgspec.json.schema(schema)
        except TypeError:
            raise InvalidArgument(
                f"schema cannot be made from {schema.__name__}; pass a pydantic model, a dataclass or a JSON Schema."
            ) from None
    return to_json(schema, "the schema")
