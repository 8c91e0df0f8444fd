"""Whoever waits on a Condition or an Answer may be interrupted at any line, and nobody is locked out for it."""

import signal
import sys
import threading
import time
from collections.abc import Iterator
from linecache import getline
from types import FrameType
from typing import Any

import pytest

from wfengine.condition import Answer, Condition

PATIENCE_SECONDS = 10.0
ITS_FILE = Condition.listen.__code__.co_filename


class Interruption:
    """Raises KeyboardInterrupt at the nth line that runs in the condition's file, but for `with`: it enters and leaves in C, where no signal is heard."""

    def __init__(self, nth: int) -> None:
        self.left = nth

    def __call__(self, frame: FrameType, event: str, _: Any) -> "Interruption | None":
        if frame.f_code.co_filename != ITS_FILE:
            return None
        if event == "line" and not getline(ITS_FILE, frame.f_lineno).lstrip().startswith("with "):
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
        return self


@pytest.fixture(autouse=True)
def _no_trace_left() -> Iterator[None]:
    traced = sys.gettrace()
    yield
    sys.settrace(traced)


def _is_free(condition: Condition) -> bool:
    """Whether another thread gets it."""
    got: list[bool] = []

    def take() -> None:
        got.append(condition.lock.acquire(timeout=PATIENCE_SECONDS))
        if got[0]:
            condition.lock.release()

    thread = threading.Thread(target=take)
    thread.start()
    thread.join()
    return got[0]


def test_an_interrupt_at_any_line_of_a_wait_leaves_the_lock_free_and_nobody_behind() -> None:
    lines = 0
    for nth in range(1, 100):
        changed = Condition()
        interruption = Interruption(nth)
        sys.settrace(interruption)
        try:
            changed.wait_for(lambda: False, 0.01)
        except KeyboardInterrupt:
            lines += 1
        finally:
            sys.settrace(None)
        assert _is_free(changed)
        if interruption.left > 0:
            break
    assert lines >= 12, "too few lines to mean anything"


def test_a_notified_thread_goes_on_and_one_that_is_not_gives_up_in_time() -> None:
    changed = Condition()
    seen: list[bool] = []
    is_ready = threading.Event()
    things: list[int] = []

    def wait() -> None:
        is_ready.set()
        seen.append(changed.wait_for(lambda: things, PATIENCE_SECONDS))

    thread = threading.Thread(target=wait)
    thread.start()
    is_ready.wait(PATIENCE_SECONDS)
    with changed.lock:
        things.append(1)
        changed.notify_all()
    thread.join(PATIENCE_SECONDS)
    assert seen == [True]
    assert not changed.wait_for(lambda: False, 0.01)


def test_ctrl_c_ends_the_waiting_for_an_answer_and_the_answer_can_still_come() -> None:
    answer: Answer[int] = Answer()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Timer(0.1, lambda: signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)).start()
        begin = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            answer.result(PATIENCE_SECONDS)
        assert time.monotonic() - begin < PATIENCE_SECONDS
    finally:
        signal.signal(signal.SIGINT, before)
    answer.set_result(5)
    assert answer.result(0) == 5
    assert not answer.cancel()
