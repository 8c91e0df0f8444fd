"""Those who wait for something on their own threads, each with a future: what they are told, once."""

from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any

from wfengine.model.instance import Instance


def answer(acks: Iterable[Future[None]]) -> None:
    """What they asked for is durable."""
    for ack in acks:
        if not ack.done():
            ack.set_result(None)


def resolve(waiting: Iterable[Future[Instance]], instance: Instance) -> None:
    """The moment that they waited for has come."""
    for future in waiting:
        if not future.done():
            future.set_result(instance)


def fail(waiting: Iterable[Future[Any]], error: Exception) -> None:
    """It will not be."""
    for future in waiting:
        if not future.done():
            future.set_exception(error)
