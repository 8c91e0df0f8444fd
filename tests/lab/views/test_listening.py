"""A kernel that ends has nobody who sends for all others, and so nobody may send."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from tests.waiting import eventually
from wflab.views import listening, publisher
from wflab.views.listening import kernel_listens
from wflab.views.publisher import Publisher


def kernel_with(sender: threading.Thread) -> SimpleNamespace:
    return SimpleNamespace(kernel=SimpleNamespace(iopub_thread=SimpleNamespace(thread=sender)))


class View:
    """A widget that nobody looks at."""

    is_seen = True

    def show(self, picture: Any) -> bool:
        raise AssertionError(picture)

    def tell(self, message: Any) -> None:
        raise AssertionError(message)

    def part(self) -> None:
        raise AssertionError

    def close(self) -> None:
        raise AssertionError

    def _repr_mimebundle_(self) -> tuple[dict[str, Any], dict[str, Any]]:
        raise AssertionError


def test_outside_a_kernel_whoever_sends_is_heard() -> None:
    assert kernel_listens()


def test_a_kernel_is_heard_as_long_as_its_sender_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    sender = threading.Thread(target=stop.wait, daemon=True)
    sender.start()
    monkeypatch.setattr(listening, "get_ipython", lambda: kernel_with(sender))
    assert kernel_listens()
    stop.set()
    eventually(lambda: not kernel_listens())


def test_what_is_to_be_sent_after_that_is_not_and_nobody_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "kernel_listens", lambda: False)
    drawn: list[str] = []
    silent = Publisher()
    silent.attach("run", View(), lambda: drawn.append("too late"))
    assert silent.settle(30)
    assert drawn == []
