"""The one thread that writes to widgets: at once, then seldom, and never what is already shown."""

import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest

from tests.lab.conftest import Story
from tests.waiting import eventually
from wfengine.model.instance import Status
from wflab.protocol import Notice, Picture
from wflab.views.publisher import SEND_PAUSE_S, STORE_PAUSE_S, VIEW_PAUSE_S, Publisher

DEADLINE_S = 20


class Page:
    """A view that notes what it is shown, when, and by whom."""

    def __init__(self) -> None:
        self.shown: list[tuple[float, Picture]] = []
        self.told: list[Any] = []
        self.is_closed = False
        self.has_parted = False
        self.is_seen = True
        self.threads: set[str] = set()
        self.clock: Callable[[], float] | None = None

    def show(self, picture: Picture) -> bool:
        self.threads.add(threading.current_thread().name)
        self.shown.append((self.clock() if self.clock else 0.0, picture))
        return True

    def tell(self, message: Any) -> None:
        self.told.append(message)

    def part(self) -> None:
        self.has_parted = True

    def _repr_mimebundle_(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"live": self.shown[-1][1].status}, {}

    def close(self) -> None:
        self.is_closed = True


class Display:
    def __init__(self) -> None:
        self.bundles: list[dict[str, Any]] = []

    def update(self, obj: dict[str, Any], /, *, raw: bool, metadata: dict[str, Any] | None = None) -> None:  # noqa: ARG002  # IPython's
        assert raw
        self.bundles.append(obj)


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    publisher = Publisher()
    yield publisher
    publisher.close()


def test_a_view_is_drawn_at_once_and_by_the_publishers_thread(publisher: Publisher, escalation: Story) -> None:
    page = Page()
    publisher.attach("a", page, escalation.picture)
    assert publisher.settle(DEADLINE_S)
    assert [picture for _, picture in page.shown] == [escalation.picture()]
    assert page.threads == {"wflab-publisher"}


def test_many_changes_are_few_pictures_and_the_last_one_is_right(escalation: Story) -> None:
    publisher = Publisher()
    page = Page()
    page.clock = time.monotonic
    publisher.attach("a", page, escalation.picture)
    for _ in range(2000):
        escalation.call("step")
        publisher.touch("a")
    assert publisher.settle(DEADLINE_S)
    publisher.close()
    times = [at for at, _ in page.shown]
    assert all(after - before >= VIEW_PAUSE_S * 0.9 for before, after in pairwise(times))
    assert page.shown[-1][1].steps_total == 2002


def test_all_views_together_are_paced_too(publisher: Publisher, escalation: Story) -> None:
    pages = [Page() for _ in range(6)]
    for number, page in enumerate(pages):
        page.clock = time.monotonic
        publisher.attach(number, page, escalation.picture)
    assert publisher.settle(DEADLINE_S)
    times = sorted(at for page in pages for at, _ in page.shown)
    assert len(times) == 6
    assert all(after - before >= SEND_PAUSE_S * 0.9 for before, after in pairwise(times))


def test_nothing_is_drawn_while_nothing_changes(publisher: Publisher, escalation: Story) -> None:
    one, other = Page(), Page()
    publisher.attach("a", one, escalation.picture)
    publisher.attach("b", other, escalation.picture)
    assert publisher.settle(DEADLINE_S)
    publisher.touch("b")
    assert publisher.settle(DEADLINE_S)
    assert (len(one.shown), len(other.shown)) == (1, 2)


def test_a_notice_reaches_the_views_of_its_key_only(publisher: Publisher, escalation: Story) -> None:
    one, other = Page(), Page()
    publisher.attach("a", one, escalation.picture)
    publisher.attach("b", other, escalation.picture)
    publisher.tell("a", Notice(text="no"))
    assert publisher.settle(DEADLINE_S)
    assert (one.told, other.told) == ([Notice(text="no")], [])


def test_freezing_shows_the_end_and_puts_the_static_card_in_its_place(publisher: Publisher, escalation: Story) -> None:
    page, display = Page(), Display()
    publisher.attach("a", page, escalation.picture, display=display)
    publisher.freeze("a")
    assert publisher.settle(DEADLINE_S)
    assert [set(bundle) for bundle in display.bundles] == [{"application/vnd.wflab.view+json", "text/html", "text/plain"}]
    publisher.touch("a")
    assert publisher.settle(DEADLINE_S)
    assert (len(page.shown), page.is_closed) == (1, True)


def test_a_view_that_raises_is_let_go_and_the_others_live_on(
    publisher: Publisher, escalation: Story, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Picture:
        raise LookupError("purged")

    page = Page()
    publisher.attach("a", Page(), broken)
    publisher.attach("b", page, escalation.picture)
    assert publisher.settle(DEADLINE_S)
    assert len(page.shown) == 1
    assert "could not be drawn" in caplog.text


def test_a_detached_view_is_left_alone_and_its_neighbour_is_not(publisher: Publisher, escalation: Story) -> None:
    one, other = Page(), Page()
    for page in (one, other):
        publisher.attach("a", page, escalation.picture)
    assert publisher.settle(DEADLINE_S)
    publisher.detach("a", one)
    publisher.touch("a")
    assert publisher.settle(DEADLINE_S)
    assert (len(one.shown), len(other.shown)) == (1, 2)


def test_closing_has_every_view_say_that_nothing_more_comes_even_if_one_cannot(publisher: Publisher, escalation: Story) -> None:
    gone, page = Page(), Page()
    gone.part = lambda: (_ for _ in ()).throw(RuntimeError("a closed widget"))  # type: ignore[method-assign]  # as one that is gone
    publisher.attach("a", gone, escalation.picture)
    publisher.attach("b", page, escalation.picture)
    assert publisher.settle(DEADLINE_S)
    publisher.close()
    assert page.has_parted
    assert not page.is_closed, "what is shown stays"


def test_nothing_is_sent_any_more_once_it_is_closed(escalation: Story) -> None:
    """At its end a kernel stops the thread that sends for all others, and what two others send then garbles each other."""
    publisher = Publisher()
    pages = [Page() for _ in range(3)]
    parted: list[str] = []

    def part() -> None:
        time.sleep(0.05)  # a slow line
        parted.append(threading.current_thread().name)

    for number, page in enumerate(pages):
        page.part = part  # type: ignore[method-assign]
        publisher.attach(number, page, escalation.picture)
    publisher.close()
    assert parted == ["wflab-publisher"] * 3


def test_whoever_closes_it_on_its_own_thread_does_not_wait_for_himself(publisher: Publisher, escalation: Story) -> None:
    page = Page()
    publisher.attach("a", page, escalation.picture)
    publisher.post("a", publisher.close)
    eventually(lambda: page.has_parted)


def test_closing_ends_the_thread(escalation: Story) -> None:
    publisher = Publisher()
    publisher.attach("a", Page(), escalation.picture)
    publisher.close()
    publisher.close()
    assert publisher.settle(DEADLINE_S)


def test_a_view_that_nobody_sees_is_sent_nothing_until_somebody_does(publisher: Publisher, escalation: Story) -> None:
    page = Page()
    page.is_seen = False
    publisher.attach("a", page, escalation.picture)
    for _ in range(50):
        publisher.touch("a")
    assert publisher.settle(DEADLINE_S)
    assert page.shown == []
    page.is_seen = True
    publisher.touch("a")
    assert publisher.settle(DEADLINE_S)
    assert len(page.shown) == 1


def test_a_job_is_done_by_the_publishers_thread_although_nobody_sees_the_view(publisher: Publisher, escalation: Story) -> None:
    page = Page()
    page.is_seen = False
    publisher.attach("a", page, escalation.picture)
    done: list[str] = []
    publisher.post("a", lambda: done.append(threading.current_thread().name))
    assert publisher.settle(DEADLINE_S)
    assert done == ["wflab-publisher"]


def test_what_the_notebook_stores_follows_a_live_view_seldom_and_its_end_at_once(escalation: Story) -> None:
    now = [0.0]
    publisher = Publisher(lambda: now[0])
    publisher.keeps_stored = True
    page, display = Page(), Display()
    publisher.attach("a", page, escalation.picture, display=display)
    now[0] = 1.0
    publisher.touch("a")
    assert publisher.settle(DEADLINE_S)
    assert display.bundles == []
    now[0] = STORE_PAUSE_S + 1
    publisher.touch("a")
    assert publisher.settle(DEADLINE_S)
    assert display.bundles == [{"live": "RUNNING"}]
    now[0] += 1
    escalation.ends(Status.COMPLETED)
    publisher.finish("a")
    assert publisher.settle(DEADLINE_S)
    publisher.close()
    assert display.bundles == [{"live": "RUNNING"}, {"live": "COMPLETED"}]


def test_a_view_gives_up_its_place_to_another(publisher: Publisher, escalation: Story) -> None:
    display = Display()
    publisher.attach("a", Page(), escalation.picture, display=display)
    assert publisher.detach("a") is display
    assert publisher.detach("a") is None
