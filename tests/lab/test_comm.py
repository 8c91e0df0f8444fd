"""What JupyterLab's extension is told of a lab, and what it may ask of it: with comms that only write down what is sent."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from comm.base_comm import BaseComm, CommManager

import wflab as wf
import wflab.comm
from tests.lab.seed import run_cell
from tests.waiting import eventually
from wfengine.model.instance import Status
from wflab.comm import HELLO, TARGET, LabComm
from wflab.overview import overview
from wflab.protocol import Failure, Focus
from wflab.protocol import lab as messages

SAMPLES = Path(__file__).parent.parent / "protocol"


class Page(BaseComm):
    """The kernel's end of a comm; `sent` is what the page got, `say` what the page says."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.published: list[tuple[str, Any]] = []
        super().__init__(*args, **kwargs)

    def publish_msg(self, msg_type: str, data: Any = None, *_: Any, **__: Any) -> None:
        self.published.append((msg_type, data))

    @property
    def sent(self) -> list[dict[str, Any]]:
        return [data for kind, data in self.published if kind == "comm_msg"]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.sent if message["type"] == kind]

    def say(self, content: dict[str, Any]) -> None:
        self.handle_msg({"content": {"data": {"method": "custom", "content": content}}})


class Wire:
    """A lab's comm, with the manager that a kernel would have."""

    def __init__(self, lab: wf.Lab) -> None:
        self.manager = CommManager()
        self.hellos: list[Page] = []
        self.comm = LabComm(lab)

    def open(self, page_id: str = "p1") -> Page:
        page = Page(target_name=TARGET, primary=False)
        self.manager.register_comm(page)
        self.manager.targets[TARGET](page, {"content": {"data": {"page": page_id}}})
        return page


@pytest.fixture
def wire(lab: wf.Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    manager, hellos = CommManager(), []

    def create(**kwargs: Any) -> Page:
        hellos.append(Page(**kwargs))
        return hellos[-1]

    monkeypatch.setattr(wflab.comm, "create_comm", create)
    monkeypatch.setattr(wflab.comm, "get_comm_manager", lambda: manager)
    monkeypatch.setattr("comm.get_comm_manager", lambda: manager)
    made = Wire(lab)
    made.manager, made.hellos = manager, hellos
    yield made
    made.comm._publisher.settle(10)
    made.comm.close()


WORKFLOW = """
import wflab as wf
wfr = wf.WorkflowRuntime()

@wfr.activity
def charge(ctx, amount):
    return amount

@wfr.workflow
def order(ctx, amount):
    answer = yield ctx.wait_for_external_event("approval", title="Charge it?")
    return (yield ctx.call_activity(charge, input=[amount, answer]))
"""


@pytest.fixture
def waiting(lab: wf.Lab) -> wf.Run:
    """A run that waits for an answer."""
    run = lab.start(run_cell(WORKFLOW)["order"], 5, instance_id="big")
    eventually(lambda: bool(lab.engine.awaited("big")))
    return run


def last(page: Page, kind: str) -> Any:
    eventually(lambda: bool(page.of(kind)))
    return page.of(kind)[-1]


def overview_of(page: Page, **counts: int) -> dict[str, Any]:
    """The overview that counts so many runs in each state."""
    eventually(lambda: last(page, "overview")["counts"] == counts)
    found: dict[str, Any] = last(page, "overview")
    return found


def notice(page: Page, number: str) -> str:
    """What the page was told of the act with this token."""
    eventually(lambda: any(told["token"] == number for told in page.of("notice")))
    return next(str(told["text"]) for told in page.of("notice") if told["token"] == number)


def act(token: str, overview: dict[str, Any], *, data: bool = True) -> dict[str, Any]:
    (wait,) = overview["approvals"]
    found = {name: wait[name] for name in ("key", "instance_id", "wait_id", "event")}
    return {"type": "act", "act": "raise", "token": token, "data": data, "verb": "approve" if data else "reject", **found}


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text())


def test_the_kernel_says_hello_and_stays_to_be_found_by_a_page_that_comes_later(wire: Wire) -> None:
    (hello,) = wire.hellos
    assert hello.target_name == HELLO
    assert [kind for kind, _ in hello.published] == ["comm_open"]


def test_a_page_is_told_of_the_runs_and_of_who_waits(wire: Wire, waiting: wf.Run) -> None:
    overview = overview_of(wire.open(), RUNNING=1)
    (line,) = overview["runs"]
    assert (line["id"], line["name"], line["status"], line["waits_for"]) == ("big", "order", "RUNNING", "event approval")
    (wait,) = overview["approvals"]
    assert (wait["instance_id"], wait["event"], wait["title"]) == (waiting.id, "approval", "Charge it?")
    assert (overview["counts"], overview["approvals_total"], overview["stuck"], overview["trouble"]) == ({"RUNNING": 1}, 1, 0, None)


def test_nothing_is_sent_while_nothing_changes(wire: Wire, waiting: wf.Run, lab: wf.Lab) -> None:
    page = wire.open()
    last(page, "overview")
    wire.comm._publisher.settle(10)
    sent = len(page.sent)
    wire.comm._changed([])
    wire.comm._publisher.settle(10)
    assert len(page.sent) == sent
    assert lab.get("big") == waiting


def test_an_approval_ends_the_run_and_the_list_follows(wire: Wire, waiting: wf.Run, lab: wf.Lab) -> None:
    page = wire.open()
    page.say(act("t1", overview_of(page, RUNNING=1)))
    assert waiting.result(30) == [5, True]
    assert overview_of(page, COMPLETED=1)["approvals"] == []
    assert list(lab.sql("SELECT what, from_where FROM audit").iloc[0]) == ["approve approval", "sidebar"]


def test_who_has_ended_since_it_was_asked_who_waits_is_not_said_to_wait(
    waiting: wf.Run, lab: wf.Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = lab.engine.awaited()
    waiting.approve()
    waiting.result(30)
    monkeypatch.setattr(lab.engine, "awaited", lambda: asked)
    found = overview(lab.engine)
    assert (found.counts, found.approvals, found.approvals_total) == ({"COMPLETED": 1}, [], 0)


def test_a_message_that_arrives_twice_is_one_and_a_second_answer_is_told_who_was_first(wire: Wire, waiting: wf.Run) -> None:
    page = wire.open()
    overview = overview_of(page, RUNNING=1)
    page.say(act("t1", overview))
    page.say(act("t1", overview))
    page.say(act("t2", overview, data=False))
    assert "already decided by" in notice(page, "t2")
    waiting.result(30)
    assert list(waiting.history()["type"]).count("EventRaised") == 1


def test_an_answer_is_put_in_the_terms_of_the_schema(wire: Wire, lab: wf.Lab) -> None:
    declared = """
import wflab as wf
wfr = wf.WorkflowRuntime()
@wfr.workflow
def asking(ctx, _):
    schema = {"type": "object", "properties": {"approved": {"type": "boolean"}}, "required": ["approved"]}
    return (yield ctx.wait_for_external_event("approval", schema=schema))
"""
    run = lab.start(run_cell(declared)["asking"])
    page = wire.open()
    eventually(lambda: bool(last(page, "overview")["approvals"]))
    page.say(act("t1", last(page, "overview"), data=False))
    assert run.result(30) == {"approved": False}


def test_a_view_is_sent_until_it_is_closed(wire: Wire, waiting: wf.Run) -> None:
    page = wire.open()
    page.say({"type": "open_view", "id": "v1", "view": "run", "instance_id": "last"})
    shown = last(page, "view")
    assert (shown["id"], shown["error"]) == ("v1", None)
    assert (shown["snapshot"]["view"], shown["snapshot"]["picture"]["status"]) == ("run", "RUNNING")
    json.dumps(shown)
    waiting.approve()
    eventually(lambda: last(page, "view")["snapshot"]["picture"]["status"] == "COMPLETED")
    page.say({"type": "close_view", "id": "v1"})
    wire.comm._publisher.settle(10)
    assert all(not known.views for known in wire.comm._pages.values())


def test_a_view_beside_the_notebook_asks_and_answers_as_one_in_it(wire: Wire, waiting: wf.Run) -> None:
    page = wire.open()
    page.say({"type": "open_view", "id": "v1", "view": "inbox"})
    last(page, "view")
    page.say({"type": "from_view", "id": "v1", "message": {"type": "request", "id": "q1", "what": "moon", "arguments": {}}})
    assert last(page, "to_view")["message"]["id"] == "q1"
    assert last(page, "to_view")["message"]["error"]
    page.say({"type": "from_view", "id": "v1", "message": act("t1", overview_of(page, RUNNING=1))})
    assert waiting.result(30) == [5, True]
    page.say({"type": "from_view", "id": "v1", "message": {"type": "set_focus", "focus": {"instance_id": "big"}}})
    eventually(lambda: last(page, "focused")["focus"] is not None)


def test_a_view_that_there_is_not_is_answered_with_the_reason(wire: Wire) -> None:
    page = wire.open()
    page.say({"type": "open_view", "id": "v1", "view": "run", "instance_id": "nobody"})
    assert "nobody" in last(page, "view")["error"]


def test_the_focus_goes_both_ways(wire: Wire, waiting: wf.Run, lab: wf.Lab) -> None:
    page = wire.open()
    assert last(page, "focused")["focus"] is None
    page.say({"type": "set_focus", "focus": {"instance_id": "big", "group": None, "span_id": None, "attempt": None}})
    eventually(lambda: last(page, "focused")["focus"] is not None)
    told = last(page, "focused")
    assert (told["title"], told["state"]) == ("order", "RUNNING")
    assert told["source"]["text"].startswith("def order")
    assert lab.focus.value == Focus(instance_id="big")
    lab.focus.set(None)
    eventually(lambda: page.of("focused")[-1]["focus"] is None)
    assert waiting.status is Status.RUNNING


@pytest.mark.parametrize("content", [None, 17, {}, {"type": "later"}, {"type": "act"}, {"type": "open_view", "view": "moon"}])
def test_what_is_no_message_is_let_pass(wire: Wire, content: Any) -> None:
    page = wire.open()
    page.say(content)
    page.handle_msg({"content": {"data": content}})
    assert last(page, "overview")["runs"] == []


def test_a_page_that_was_loaded_anew_takes_its_own_place(wire: Wire) -> None:
    old = wire.open("p1")
    last(old, "overview")
    old.say({"type": "open_view", "id": "v1", "view": "run", "instance_id": "nobody"})
    new = wire.open("p1")
    other = wire.open("p2")
    last(new, "overview")
    last(other, "overview")
    assert [page.comm for page in wire.comm._pages.values()] == [new, other]


def test_closing_says_goodbye_and_takes_the_target_away(wire: Wire) -> None:
    page = wire.open()
    last(page, "overview")
    wire.comm.close()
    assert page.published[-1][0] == "comm_close"
    assert wire.hellos[0].published[-1][0] == "comm_close"
    assert wire.manager.targets == {}


def test_the_list_is_cut_and_says_so_but_has_some_of_each_state(lab: wf.Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run_cell(WORKFLOW)
    lab.start(names["order"], 0, instance_id="oldest")
    eventually(lambda: bool(lab.engine.awaited("oldest")))
    for run in lab.start_many(names["order"], range(30)):
        run.approve("approval")
        run.result(30)
    monkeypatch.setattr("wflab.overview.MOST_RUNS", 22)
    found = overview(lab.engine)
    assert (len(found.runs), found.runs_total) == (22, 31)
    assert found.runs[-1].id == "oldest"
    assert found.counts == {"COMPLETED": 30, "RUNNING": 1}


def test_an_overview_is_sent_as_in_the_sample() -> None:
    line = messages.RunLine(id="7f3a9c", name="order", status="RUNNING", started=1.0, waits_for="event human_approval")
    wait = messages.Approval(
        key=3,
        instance_id="7f3a9c",
        workflow="order",
        wait_id="a0",
        event="human_approval",
        since=2.0,
        title="Sign?",
        risk="high",
        requester="ben",
    )
    overview = messages.Overview(
        lab="orders.duckdb",
        now=4.0,
        ticks=True,
        runs=[line],
        runs_total=1,
        counts={"RUNNING": 1},
        approvals=[wait],
        approvals_total=1,
        stuck=0,
        palette={"FAILED": ("#a00000", "#ffffff", "#ff8080", "#000000")},
    )
    assert json.loads(json.dumps(messages.as_data(overview))) == sample("lab_overview")


def test_what_is_focused_and_a_view_are_sent_as_in_the_samples() -> None:
    focused = messages.Focused(
        focus=Focus(instance_id="7f3a9c"),
        title="order",
        state="FAILED",
        facts=[("id", "7f3a9c")],
        failure=Failure(error_type="ValueError", message="no", trace=None),
        source=messages.Source(file=None, line=2, text="def order(ctx, amount):"),
    )
    assert json.loads(json.dumps(messages.as_data(focused))) == sample("lab_focused")
    assert messages.as_data(messages.ShowView(id="v1", error="gone")) == sample("lab_view")
    assert messages.as_data(messages.ToView(id="v1", message={"type": "focus", "focus": None})) == sample("lab_to_view")


def test_what_a_page_asks_is_read_as_in_the_samples() -> None:
    opening = messages.OpenView(id="v1", view="timeline", instance_id="7f3a9c")
    assert messages.read_from_page(sample("lab_open_view")) == opening
    assert messages.read_from_page(sample("lab_set_theme")) == messages.SetTheme(theme="dark")
    assert messages.read_from_page(sample("lab_close_view")) == messages.CloseView(id="v1")
    assert messages.read_from_page(sample("lab_from_view")) == messages.FromView(id="v1", message={"type": "switch", "view": "graph"})


def test_a_lab_that_is_closed_tells_its_pages_however_it_is_closed(lab: wf.Lab, wire: Wire) -> None:
    page = wire.open()
    overview_of(page)
    lab.close()
    assert [kind for kind, _ in page.published].count("comm_close") == 1
    assert [kind for kind, _ in wire.hellos[0].published].count("comm_close") == 1


def test_a_pending_card_tells_risk_and_requester_and_the_deadline_of_a_timer_that_it_races(lab: wf.Lab) -> None:
    names = run_cell(
        "from datetime import timedelta\nimport wflab as wf\n@wf.workflow\ndef pays(ctx, amount):\n"
        "    asked = ctx.wait_for_external_event('approval', risk='high', requester='ben')\n"
        "    limit = ctx.create_timer(timedelta(hours=1))\n"
        "    yield wf.when_any([asked, limit])\n"
    )
    lab.start(names["pays"], 1)
    eventually(lambda: bool(lab.engine.awaited()))
    (card,) = overview(lab.engine).approvals
    assert (card.risk, card.requester) == ("high", "ben")
    assert card.until is not None
    assert abs(card.until - card.since - 3_600_000) < 60_000
