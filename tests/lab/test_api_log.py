"""The API log of a lab: every call that came in by a sidecar, filtered, counted and told, and as quick with a hundred thousand of them."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

import wflab as wf
from tests.lab.test_protocol import sample
from tests.lab.views.api_log_pictures import api_log, detail
from tests.lab.views.test_card import HOSTILE, Tags
from wfengine.errors import InvalidArgument
from wfengine.gateway.calls import ApiCall, CallLog
from wflab import protocol
from wflab.display.api_log_source import ApiLogSource
from wflab.protocol.api_log import ApiLogFilter, ApiLogPicture
from wflab.views.api_log_card import api_log_html, api_log_text, took_text
from wflab.views.bundles import bundle_of

BEGIN = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def call(seconds: float, **more: Any) -> ApiCall:
    usual = {
        "api": "state",
        "method": "POST /v1.0/state/store",
        "app_id": "orders",
        "status": "204",
        "duration_ms": 2.0,
        "target": "order-1",
    }
    return ApiCall(**{**usual, "occurred_at": BEGIN + timedelta(seconds=seconds), **more})


CALLS = [
    call(0),
    call(1, app_id=None, api="workflow", method="StartWorkflowBeta1", status="OK", target="w-1", trace=TRACE, duration_ms=8.0),
    call(
        2,
        app_id=None,
        api="workflow",
        method="GET /v1.0/workflows/dapr/w-2",
        status="404",
        target="w-2",
        error="ERR_INSTANCE_ID_NOT_FOUND: w-2",
    ),
    call(3, api="taskhub", method="GetWorkItems", status="CANCELLED", target=None, duration_ms=None),
    call(4, app_id="billing", api="pubsub", method="PublishEvent", status="OK", target="Placed", trace=TRACE, request_bytes=10),
    call(5, app_id="billing", api="delivery", method="POST /placed", status="UNAVAILABLE", target="placed", trace=TRACE),
]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[wf.Lab]:
    with wf.Lab(tmp_path / "lab.duckdb") as lab:
        yield lab


def record(lab: wf.Lab, calls: list[ApiCall]) -> None:
    log = CallLog(lab.engine.store)
    for one in calls:
        log.record(one)
    assert log.flush()
    log.close()
    lab.served.tell()


@pytest.fixture
def told(lab: wf.Lab) -> wf.Lab:
    record(lab, CALLS)
    return lab


def source(lab: wf.Lab, **filter: Any) -> ApiLogSource:
    return lab.api_log(**filter).source


def ask(of: ApiLogSource, what: str, **arguments: Any) -> Any:
    return of.answer(protocol.Request(id="q", what=what, arguments=arguments))


def methods(picture: ApiLogPicture) -> list[str]:
    return [one.method for one in picture.calls]


def test_all_calls_are_there_the_newest_first_and_counted(told: wf.Lab) -> None:
    picture = source(told).picture()
    assert methods(picture) == [one.method for one in reversed(CALLS)]
    assert (picture.total, picture.everything, picture.failed) == (6, 6, 2)
    assert (picture.p50, picture.begin, picture.end) == (2.0, BEGIN.timestamp() * 1000, BEGIN.timestamp() * 1000 + 5000)
    assert [sum(column) for column in zip(*picture.bins, strict=True)] == [4, 2]
    assert [(group.name, group.count, group.failed) for group in picture.apps] == [("", 2, 1), ("billing", 2, 1), ("orders", 2, 0)]


def test_a_stream_that_its_caller_ended_is_no_failure(told: wf.Lab) -> None:
    assert [one.is_failed for one in source(told, api="taskhub").picture().calls] == [False]


@pytest.mark.parametrize(
    ("filter", "seconds"),
    [
        ({"app": "orders"}, [3, 0]),
        ({"app": ""}, [2, 1]),
        ({"api": "workflow"}, [2, 1]),
        ({"outcome": "failed"}, [5, 2]),
        ({"outcome": "ok"}, [4, 3, 1, 0]),
        ({"text": "placed"}, [5, 4]),
        ({"text": "NOT_FOUND"}, [2]),
        ({"text": "%"}, []),
        ({"trace": TRACE}, [5, 4, 1]),
        ({"since": BEGIN + timedelta(seconds=4)}, [5, 4]),
        ({"until": "2026-11-27T12:00:01"}, [1, 0]),
        ({"app": "billing", "outcome": "ok"}, [4]),
    ],
)
def test_a_filter_leaves_what_it_says(told: wf.Lab, filter: dict[str, Any], seconds: list[int]) -> None:
    found = source(told, **filter).picture()
    assert [(one.at - BEGIN.timestamp() * 1000) / 1000 for one in found.calls] == seconds
    assert found.total == len(seconds)
    assert list(told.api_log(**filter).df()["occurred_at"]) == [BEGIN + timedelta(seconds=one) for one in seconds]


def test_a_filter_that_is_not_one_is_refused_and_nothing_changes(told: wf.Lab) -> None:
    with pytest.raises(InvalidArgument, match="no filter 'apo'; there are app, api"):
        told.api_log(apo="x")
    with pytest.raises(InvalidArgument, match="yesterday-ish"):
        told.api_log(since="yesterday-ish")
    one = source(told)
    with pytest.raises(InvalidArgument, match="outcome"):
        ask(one, "filter", outcome="so so")
    assert one.filter == ApiLogFilter()


def test_groups_follow_the_rest_of_the_filter(told: wf.Lab) -> None:
    picture = source(told, app="billing").picture()
    assert [group.name for group in picture.apps] == ["", "billing", "orders"]
    assert [group.name for group in picture.apis] == ["delivery", "pubsub"]


@pytest.mark.parametrize(
    ("order", "first"),
    [("-took", "StartWorkflowBeta1"), ("app", "POST /placed"), ("-status", "POST /placed"), ("at", "POST /v1.0/state/store")],
)
def test_pages_come_in_the_order_that_is_asked_for(told: wf.Lab, order: str, first: str) -> None:
    one = source(told)
    ask(one, "page", order=order, page=2)
    picture = one.picture()
    assert picture.calls[0].method == first
    assert (len(picture.calls), picture.total, picture.page) == (2, 6, 2)


def test_a_page_that_is_read_stands_still_while_calls_come(told: wf.Lab) -> None:
    one = source(told)
    ask(one, "page", first=2, page=2)
    before = one.picture()
    record(told, [ApiCall(occurred_at=datetime.now(UTC) + timedelta(seconds=1), api="state", method="new")])
    after = one.picture()
    assert after.calls == before.calls
    assert (after.total, after.newer) == (6, 1)
    ask(one, "page", first=0)
    assert methods(one.picture())[0] == "new"


def test_a_pause_holds_and_its_end_follows_again(told: wf.Lab) -> None:
    one = source(told)
    ask(one, "pause", is_paused=True)
    record(told, [ApiCall(occurred_at=datetime.now(UTC) + timedelta(seconds=1), api="state", method="new")])
    assert (one.picture().is_paused, one.picture().newer, methods(one.picture())[0]) == (True, 1, "POST /placed")
    ask(one, "pause", is_paused=False)
    assert (one.picture().newer, methods(one.picture())[0]) == (0, "new")


def test_a_call_is_told_with_its_trace_and_its_run(told: wf.Lab) -> None:
    @wf.WorkflowRuntime(lab=told).workflow
    def order(_ctx: wf.WorkflowContext, _: object) -> str:
        return "done"

    told.start(order, instance_id="w-1").result()
    found = next(one for one in source(told).picture().calls if one.target == "w-1")
    told_of = ask(source(told), "call", place=found.place, at=found.at)
    assert (told_of["instance_id"], told_of["workflow"], told_of["trace"]) == ("w-1", "order", TRACE)
    assert [one["method"] for one in told_of["others"]] == ["StartWorkflowBeta1", "PublishEvent", "POST /placed"]


def test_a_call_that_is_gone_or_never_was_is_said(told: wf.Lab) -> None:
    with pytest.raises(InvalidArgument, match="no longer in the log"):
        ask(source(told), "call", place=0, at=0)
    with pytest.raises(InvalidArgument, match="its place and its moment"):
        ask(source(told), "call", place="x")
    with pytest.raises(InvalidArgument, match="A page is asked for"):
        ask(source(told), "page", order="; DROP TABLE api_calls")
    with pytest.raises(InvalidArgument, match="no answer to 'frobnicate'"):
        ask(source(told), "frobnicate")


def test_a_view_is_told_of_new_calls(lab: wf.Lab) -> None:
    heard: list[None] = []
    forget = source(lab).listen(lambda: heard.append(None))
    record(lab, CALLS[:1])
    assert heard
    forget()
    heard.clear()
    record(lab, CALLS[:1])
    assert not heard


def test_a_data_frame_has_a_row_for_each_call(told: wf.Lab) -> None:
    frame = told.api_log().df()
    assert list(frame.columns) == [
        "occurred_at", "app_id", "api", "method", "target", "status", "is_failed", "duration_ms", "trace", "caller", "error", "request_bytes", "response_bytes",
    ]  # fmt: skip
    assert frame["occurred_at"].dt.tz is not None
    assert list(frame["is_failed"]) == [True, False, False, True, False, False]
    assert frame["caller"].tolist() == [None] * 6
    assert len(told.api_log().df(limit=2)) == 2


def test_an_empty_log_says_what_to_do(lab: wf.Lab) -> None:
    assert "lab.serve() opens the lab" in lab.api_log().text()
    assert lab.api_log().df().empty


def test_a_hundred_thousand_calls_are_counted_and_paged_within_a_second(lab: wf.Lab) -> None:
    with lab.engine.store.transaction() as cursor:
        cursor.execute(
            """
            INSERT INTO api_calls
            SELECT TIMESTAMP '2026-11-27 12:00:00' + INTERVAL 1 MILLISECOND * i, 'app-' || i % 7, ['state', 'pubsub', 'invoke'][1 + i % 3],
                'POST /v1.0/x/' || i, CASE WHEN i % 50 = 0 THEN '500' ELSE '204' END, i % 90, NULL, 'sdk', NULL, 'key-' || i, 1, 2
            FROM range(100_000) AS t(i)
            """
        )
    one = source(lab, text="key-9")
    ask(one, "page", order="-took", first=5000, page=100)
    best = min(_seconds(one) for _ in range(3))
    picture = one.picture()
    assert (picture.total, len(picture.calls), picture.everything) == (11_111, 100, 100_000)
    assert len(msgspec.json.encode(picture)) < 60_000
    assert best < 1.0


def _seconds(one: ApiLogSource) -> float:
    begin = time.perf_counter()
    one.picture()
    return time.perf_counter() - begin


def test_a_picture_and_a_call_are_sent_as_in_the_samples() -> None:
    """After a change that is meant, print them as JSON (indent 1) into the samples and mend protocol/api_log.ts."""
    assert json.loads(json.dumps(protocol.as_data(protocol.ShowPicture(seq=1, picture=api_log())))) == sample("api_log")
    assert msgspec.to_builtins(detail()) == sample("api_call")


def test_the_text_is_the_same_at_every_look(told: wf.Lab) -> None:
    assert told.api_log().text().splitlines() == [
        "6 calls, 2 failed",
        "  app the lab: 2 calls, 1 failed",
        "  app billing: 2 calls, 1 failed",
        "  app orders: 2 calls, none failed",
        "  api delivery: 1 call, 1 failed",
        "  api pubsub: 1 call, none failed",
        "  api state: 1 call, none failed",
        "  api taskhub: 1 call, none failed",
        "  api workflow: 2 calls, 1 failed",
    ]


def test_what_programs_say_of_themselves_is_text_in_the_still_form() -> None:
    said = dict.fromkeys(("app", "api", "method", "target", "status", "caller", "error"), HOSTILE)
    rows = [msgspec.structs.replace(one, **said) for one in api_log().calls]
    page = api_log_html(api_log(rows))
    assert {tag for tag, _ in Tags(page).found} <= {
        "div",
        "b",
        "span",
        "img",
        "details",
        "summary",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    }
    assert "\x1b" not in page + api_log_text(api_log(rows))


def test_a_notebook_keeps_a_page_of_a_hundred() -> None:
    rows = api_log().calls * 40
    (kept,) = (found for name, found in bundle_of(api_log(rows)).items() if name.endswith("+json"))
    assert len(kept["picture"]["calls"]) == 100


def test_lengths_of_time_have_as_many_digits_as_they_deserve() -> None:
    assert [took_text(ms) for ms in (None, 0.04, 9.96, 10, 999, 1000, 61_234)] == [
        "–",
        "0.0 ms",
        "10.0 ms",
        "10 ms",
        "999 ms",
        "1 s",
        "61.2 s",
    ]
