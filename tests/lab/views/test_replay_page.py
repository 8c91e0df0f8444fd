"""The built replay in a browser, without a kernel: what steps, keys and clicks show, and what is asked of the kernel."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.lab.views.pages import SHOW, marks_of, page_with
from tests.lab.views.replay_stories import loop, looped, note, ordered, parted, picture
from tests.lab.views.test_card import HOSTILE
from wfengine.model.work import HistoryRow
from wfengine.runtime.registry import Definition
from wfengine.testing.stepping.step import Step
from wfengine.testing.stepping.stepper import Stepper, in_own_thread
from wflab import protocol
from wflab.views.bundles import snapshot_of
from wflab.views.replay_picture import detailed

VIEW = "[data-wf-view=replay]"
LOCALS = "[data-wf-locals]"

pytestmark = marks_of("replay")
Show = Callable[[protocol.ReplayPicture], None]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with page_with(browser, "replay", width=1200) as page:
        yield page


@pytest.fixture
def show(page: Page) -> Show:
    def show_it(told: protocol.ReplayPicture) -> None:
        page.evaluate(SHOW, protocol.as_data(protocol.ShowPicture(seq=1, picture=told)))
        page.wait_for_selector(f"{VIEW} [data-wf-slider]")
        page.locator("[data-wf-slider]").focus()

    return show_it


def go(page: Page, position: int) -> None:
    page.locator("[data-wf-slider]").focus()
    page.keyboard.press("Home")
    for _ in range(position - 1):
        page.keyboard.press("ArrowRight")


def asked(page: Page, what: str) -> dict[str, Any]:
    found: dict[str, Any] = page.wait_for_function(
        "(what) => model.sent.findLast((sent) => sent.type === 'request' && sent.what === what && !sent.done)", arg=what
    ).json_value()
    page.evaluate("(id) => { model.sent.find((sent) => sent.id === id).done = true; }", found["id"])
    return found


def reply(page: Page, request: dict[str, Any], data: Any = None, error: str | None = None) -> None:
    page.evaluate("model.tell", protocol.as_data(protocol.Reply(id=request["id"], data=msgspec.to_builtins(data), error=error)))


def test_the_fifth_step_has_one_line_and_what_was_added_and_back_is_the_same(page: Page, show: Show) -> None:
    show(picture(ordered()))
    go(page, 5)
    current = page.locator(f"{VIEW} [aria-current=step]")
    expect(current).to_have_count(1)
    expect(current).to_contain_text('pay = yield ctx.call_activity("charge_card"')
    expect(page.locator(f"{LOCALS} [data-wf-variable=pay]")).to_have_attribute("data-wf-diff", "added")
    slider = page.locator("[data-wf-slider]")
    expect(slider).to_have_attribute("aria-valuetext", "step 5 of 8, line 4, charge_card (attempt 3) completed, pay added, note added")
    before = page.inner_html(LOCALS)
    page.keyboard.press("ArrowRight")
    assert page.inner_html(LOCALS) != before
    page.keyboard.press("ArrowLeft")
    assert page.inner_html(LOCALS) == before


def test_a_removed_variable_is_said_and_opened_parts_stay_open(page: Page, show: Show) -> None:
    show(picture(ordered()))
    go(page, 5)
    page.click(f"{LOCALS} [data-wf-variable=note] > .wf-parts > summary")
    page.click(f"{LOCALS} [data-wf-variable=note] .wf-part .wf-parts > summary")
    go(page, 6)
    expect(page.locator(f"{LOCALS} [data-wf-variable=inv]")).to_have_attribute("data-wf-diff", "removed")
    for _ in range(20):
        page.keyboard.press("ArrowLeft")
    go(page, 7)
    note = page.locator(f"{LOCALS} [data-wf-variable=note]")
    expect(note).to_have_attribute("data-wf-diff", "changed")
    assert note.locator("details[open]").count() == 2
    expect(note.locator(".wf-part .wf-part[data-wf-diff=added]")).to_contain_text("3")


def test_keys_go_to_failures_ends_and_lines_and_play(page: Page, show: Show) -> None:
    show(picture(ordered()))
    place = page.locator("[data-wf-position]")
    page.keyboard.press("Home")
    page.keyboard.press("]")
    expect(place).to_have_text("step 3 of 8")
    page.keyboard.press("]")
    expect(place).to_have_text("step 4 of 8")
    page.keyboard.press("[")
    page.keyboard.press("[")
    expect(place).to_have_text("step 4 of 8")
    page.keyboard.press("End")
    expect(place).to_have_text("step 8 of 8")
    page.keyboard.press("PageUp")
    expect(place).to_have_text("step 1 of 8")
    page.click("[data-wf-action=speed]")
    page.locator("[data-wf-slider]").focus()
    page.keyboard.press(" ")
    expect(place).to_have_text("step 8 of 8", timeout=20_000)
    expect(page.locator("[data-wf-action=play]")).to_have_text("Play")
    page.keyboard.press("Shift+ArrowLeft")
    expect(place).to_have_text("step 7 of 8")


def test_what_did_not_change_is_folded_until_all_are_wanted_and_a_pin_stays_on_top(page: Page, show: Show) -> None:
    show(picture(ordered()))
    go(page, 6)
    assert page.locator(f"{LOCALS} > [data-wf-variable=pay]").count() == 0
    expect(page.locator(f"{LOCALS} .wf-same")).to_contain_text("unchanged")
    page.keyboard.press("d")
    expect(page.locator(f"{LOCALS} > [data-wf-variable=pay]")).to_be_visible()
    page.locator(f"{LOCALS} > [data-wf-variable=pay] .wf-pin").click()
    page.keyboard.press("d")
    first = page.locator(f"{LOCALS} > [data-wf-variable]").first
    expect(first).to_have_attribute("data-wf-variable", "pay")
    expect(first.locator(".wf-course")).to_be_visible()


def test_the_slider_is_moved_with_the_mouse(page: Page, show: Show) -> None:
    show(picture(ordered()))
    page.locator("[data-wf-tick='2']").click(force=True)
    expect(page.locator("[data-wf-slider]")).to_have_attribute("aria-valuenow", "2")


def test_a_fork_says_first_what_it_reuses_and_what_runs_again(page: Page, show: Show) -> None:
    show(picture(ordered()))
    go(page, 5)
    page.keyboard.press("e")
    plan = protocol.ForkPlan(
        at=12,
        reused=["reserve", "charge_card"],
        reused_total=2,
        again=["ship"],
        again_total=1,
        edits="charge_card completed",
        payload='{"id": "p-3"}',
    )
    request = asked(page, "fork_plan")
    assert request["arguments"] == {"step": 5}
    reply(page, request, plan)
    panel = page.locator("[data-wf-fork]")
    expect(panel.locator("[data-wf-reused]")).to_contain_text("reserve, charge_card")
    expect(panel.locator("[data-wf-again]")).to_contain_text("ship")
    page.fill("[data-wf-field=edit]", "{nonsense")
    page.click("[data-wf-action=fork-now]")
    expect(panel.locator("[role=alert]")).to_contain_text("must be JSON")
    assert not [sent for sent in page.evaluate("model.sent") if sent.get("what") == "fork"]
    page.fill("[data-wf-field=edit]", '{"id": "p-4"}')
    expect(page.locator("[data-wf-action=fork-now]")).to_have_text("Fork: 2 results reused, 1 call may run again")
    page.click("[data-wf-action=fork-now]")
    request = asked(page, "fork")
    assert request["arguments"] == {"step": 5, "edit": '{"id": "p-4"}'}
    reply(page, request, protocol.Forked(instance_id="f-1"))
    expect(page.locator("[data-wf-forked=f-1]")).to_contain_text("lab.get('f-1')")


def test_why_a_value_is_so_and_where_a_breakpoint_holds(page: Page, show: Show) -> None:
    show(picture(ordered()))
    go(page, 5)
    page.locator(f"{LOCALS} [data-wf-variable=pay] .wf-varname").focus()
    page.keyboard.press("w")
    request = asked(page, "explain")
    assert request["arguments"] == {"name": "pay", "step": 5}
    chain = [
        protocol.Link(text="pay", step=5),
        protocol.Link(text="result of charge_card attempt 3", step=5, line=4),
        protocol.Link(text="workflow input"),
    ]
    reply(page, request, protocol.Explanation(chain=chain))
    expect(page.locator("[data-wf-chain]")).to_have_text("pay ← result of charge_card attempt 3 step 5 ← workflow input")
    page.locator("[data-wf-slider]").focus()
    page.keyboard.press("b")
    page.keyboard.type("pay > 1")
    page.keyboard.press("Enter")
    reply(page, asked(page, "hits"), protocol.StepHits(steps=[6, 8]))
    expect(page.locator("[data-wf-position]")).to_have_text("step 6 of 8")
    expect(page.locator("[data-wf-hits] [data-wf-action=hit]")).to_have_count(2)
    page.fill("[data-wf-field=breakpoint]", "nonsense(")
    page.keyboard.press("Enter")
    reply(page, asked(page, "hits"), error="'nonsense(' is no expression")
    expect(page.locator("[data-wf-hits] [role=alert]")).to_contain_text("no expression")


def test_where_history_and_code_part_is_shown_side_by_side(page: Page, show: Show) -> None:
    show(picture(ordered(), divergence=parted()))
    box = page.locator("[data-wf-divergence]")
    expect(box.locator("[data-wf-expected]")).to_have_text("call_activity('charge_card')")
    expect(box.locator("[data-wf-produced]")).to_have_text("create_timer")
    expect(box.locator("[data-wf-sourceline]")).to_contain_text("4  yield ctx.create_timer")
    page.evaluate("model.push", protocol.as_data(protocol.ShowPicture(seq=2, picture=picture(ordered()))))
    expect(page.locator("[data-wf-divergence]")).to_have_count(0)


def test_a_run_that_goes_on_waits_to_be_looked_at(page: Page, show: Show) -> None:
    rows = ordered()
    begun = msgspec.structs.replace(picture(rows[:8]), is_over=False, status="RUNNING")
    show(begun)
    go(page, 2)
    page.evaluate("model.push", protocol.as_data(protocol.ShowPicture(seq=2, picture=picture(rows))))
    expect(page.locator("[data-wf-position]")).to_have_text("step 2 of 8")
    page.keyboard.press("l")
    expect(page.locator("[data-wf-position]")).to_have_text("step 8 of 8")


def test_of_a_long_run_what_is_not_here_is_asked_for_and_few_elements_are_drawn(page: Page, show: Show) -> None:
    rows = looped(3_000)
    told = picture(rows, loop)
    show(told)
    assert page.locator(f"{VIEW} *").count() < 1_500
    known = {step.number for step in told.details.steps}
    missing = next(number for number in range(1_500, 3_000) if number not in known)
    page.keyboard.press("Home")
    box = page.locator("[data-wf-slider]").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 16 + (box["width"] - 32) * (missing - 1) / 3_000, box["y"] + 16)
    at = int(page.locator("[data-wf-slider]").get_attribute("aria-valuenow") or 0)
    while at in known:
        page.keyboard.press("ArrowRight")
        at += 1
    request = page.wait_for_function(
        "(at) => model.sent.find(({ what, arguments: steps }) => what === 'steps' && steps.first <= at && at <= steps.last)", arg=at
    ).json_value()
    full = detailed(steps_of(rows), range(request["arguments"]["first"], request["arguments"]["last"] + 1), 10**9)
    reply(page, request, full)
    expect(page.locator(f"{LOCALS} [data-wf-variable=place]")).to_be_visible()


def steps_of(rows: list[HistoryRow]) -> list[Step]:

    stepper = Stepper(Definition("workflow", "loop", loop))
    in_own_thread(lambda: stepper.take(rows))
    return stepper.steps


def push(page: Page, seq: int, told: protocol.ReplayPicture) -> None:
    page.evaluate("model.push", protocol.as_data(protocol.ShowPicture(seq=seq, picture=told)))


def test_a_note_is_written_about_the_step_that_is_looked_at(page: Page, show: Show) -> None:
    show(picture(ordered()))
    go(page, 5)
    page.keyboard.press("n")
    field = page.locator("[data-wf-field=note]")
    expect(field).to_be_focused()
    expect(page.locator("[data-wf-noteform] label")).to_contain_text("Note about step 5")
    page.keyboard.press("Enter")
    expect(page.locator("[data-wf-noteform] [role=alert]")).to_contain_text("Write something first")
    page.keyboard.type("twice? n l")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("ask ana")
    page.keyboard.press("Enter")
    request = asked(page, "note")
    assert request["arguments"] == {"step": 5, "text": "twice? n l\nask ana"}
    reply(page, request, error="The engine is paused.")
    expect(page.locator("[data-wf-noteform] [role=alert]")).to_have_text("The engine is paused.")
    page.keyboard.press("Control+Enter")
    reply(page, asked(page, "note"), protocol.Noted(notes=[]))
    expect(page.locator("[data-wf-noteform]")).to_be_hidden()
    expect(page.locator("[data-wf-slider]")).to_be_focused()
    page.click("[data-wf-action=note]")
    page.keyboard.type("no, not this")
    page.keyboard.press("Escape")
    expect(page.locator("[data-wf-noteform]")).to_be_hidden()
    page.keyboard.press("n")
    expect(field).to_have_value("")
    assert len([sent for sent in page.evaluate("model.sent") if sent.get("what") == "note"]) == 2


def test_notes_are_listed_marked_and_lead_to_their_step(page: Page, show: Show) -> None:
    told = picture(ordered(), notes=[note(3, "declined\nagain"), note(5, HOSTILE, id="n2")])
    show(told)
    expect(page.locator("[data-wf-notemark]")).to_have_count(2)
    rows = page.locator("[data-wf-note]")
    expect(rows.nth(0)).to_contain_text("line 4 · charge_card failed")
    assert rows.nth(1).locator(".wf-notetext").inner_text() == HOSTILE
    assert page.locator(f"{VIEW} script, {VIEW} img").count() == 0
    rows.nth(0).locator("[data-wf-action=note-step]").click()
    expect(page.locator("[data-wf-position]")).to_have_text("step 3 of 8")
    expect(page.locator("[data-wf-note][aria-current]")).to_have_attribute("data-wf-notestep", "3")
    expect(page.locator("[data-wf-slider]")).to_have_attribute("aria-valuetext", re.compile(", 1 note$"))
    rows.nth(1).locator("[data-wf-action=note-remove]").click()
    request = asked(page, "remove_note")
    assert request["arguments"] == {"id": "n2"}
    reply(page, request, protocol.Noted(notes=[]))
    push(page, 2, picture(ordered(), notes=[note(3, "declined\nagain")]))
    expect(rows).to_have_count(1)
    push(page, 3, picture(ordered()))
    expect(page.locator("[data-wf-action=notes-insert]")).to_be_hidden()
    expect(page.locator("[data-wf-notemark]")).to_have_count(0)


def test_notes_go_to_the_notebook_as_one_list_or_are_given_out_to_copy(page: Page, show: Show) -> None:
    show(picture(ordered(), notes=[note(5, "a *b*")]))
    page.click("[data-wf-action=notes-insert]")  # no clipboard here, either: the page is no secure one
    expect(page.locator("[data-wf-notestold]")).to_contain_text("only wflab's JupyterLab extension can insert a cell")
    assert "a \\*b\\*" in page.locator(".wf-notes textarea[readonly]").input_value()
    page.evaluate(
        "document.addEventListener('wflab:insert', (event) => { window.put = event.detail; event.preventDefault(); }, { once: true })"
    )
    page.click("[data-wf-action=notes-insert]")
    expect(page.locator("[data-wf-notestold]")).to_have_text("Inserted below.")
    put = page.evaluate("window.put")
    assert put["kind"] == "markdown"
    assert "- [Step 5](#wflab-replay/7f3a9c/5), line 4, charge\\_card \\(attempt 3\\) completed: a \\*b\\*" in put["source"].splitlines()


def test_saved_notes_can_be_read_without_a_kernel(page: Page) -> None:
    mount = """async (message) => { const { default: widget } = await import("/widget.js"); const died = { isDisposed: true };
      await widget.render({ model: { get: () => message, on: (event, slot) => event === "comm_live_update" && setTimeout(slot), off() {}, send() {}, widget_manager: { kernel: died } }, el: document.getElementById("cell") }); }"""
    saved = snapshot_of(picture(ordered(), notes=[note(5, "seen")]))["picture"]
    page.evaluate(mount, {"type": "picture", "seq": 1, "picture": saved})
    expect(page.locator(f"{VIEW}[data-wf-mode=snapshot]")).to_be_visible()
    expect(page.locator("[data-wf-note] .wf-notetext")).to_have_text("seen")
    expect(page.locator("[data-wf-action=note-remove]")).to_be_disabled()
    expect(page.locator("[data-wf-action=note]")).to_be_disabled()
    expect(page.locator("[data-wf-action=notes-insert]")).to_be_enabled()
    page.locator("[data-wf-action=note-step]").click()
    expect(page.locator("[data-wf-position]")).to_have_text("step 5 of 8")
    page.keyboard.press("n")
    expect(page.locator("[data-wf-noteform]")).to_be_hidden()


SENT = "model.sent.filter((sent) => sent.type === 'set_focus').map((sent) => sent.focus)"


def test_a_step_turns_all_views_to_the_call_whose_end_it_took_up_once_the_person_rests(page: Page, show: Show) -> None:
    show(picture(ordered()))
    go(page, 5)
    page.wait_for_function(f"{SENT}.some((focus) => focus.span_id === '1:a1' && focus.attempt === 3)")
    focus = {"instance_id": "7f3a9c", "group": "workflow order/activity charge_card", "span_id": "1:a1", "attempt": 3}
    assert page.evaluate(SENT)[-1] == focus
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"{SENT}.at(-1).span_id === '1:a6'")
    sent = page.evaluate(SENT)
    for one in sent:  # the kernel tells all views, this one, too, and late
        page.evaluate("model.tell", protocol.as_data(protocol.FocusMoved(focus=protocol.Focus(**one))))
    expect(page.locator("[data-wf-position]")).to_have_text("step 6 of 8")
    page.keyboard.press("Home")
    page.wait_for_function(f"{SENT}.at(-1).span_id === null")
    assert page.evaluate(SENT)[-1] == {"instance_id": "7f3a9c", "group": None, "span_id": None, "attempt": None}


def test_what_another_view_turns_to_is_followed_and_not_told_again(page: Page, show: Show) -> None:
    show(picture(ordered()))
    place = page.locator("[data-wf-position]")
    turned = protocol.Focus(instance_id="7f3a9c", group="workflow order/activity charge_card", span_id="1:a1")
    page.evaluate("model.tell", protocol.as_data(protocol.FocusMoved(focus=turned)))
    request = asked(page, "step_of")
    assert request["arguments"] == {"span_id": "1:a1", "group": "workflow order/activity charge_card", "attempt": None}
    reply(page, request, protocol.StepFound(step=5))
    expect(place).to_have_text("step 5 of 8")
    page.evaluate("model.tell", protocol.as_data(protocol.FocusMoved(focus=protocol.Focus(instance_id="other", span_id="9:a1"))))
    page.evaluate("model.tell", protocol.as_data(protocol.FocusMoved(focus=None)))
    page.evaluate("model.tell", protocol.as_data(protocol.FocusMoved(focus=protocol.Focus(instance_id="7f3a9c", span_id="1:a0"))))
    late = asked(page, "step_of")
    page.locator("[data-wf-slider]").focus()
    page.keyboard.press("End")
    reply(page, late, protocol.StepFound(step=2))  # the person was quicker
    page.wait_for_function(f"{SENT}.length > 0")
    expect(place).to_have_text("step 8 of 8")
    assert [focus["span_id"] for focus in page.evaluate(SENT)] == ["1:a8"]


def test_every_key_has_a_button(page: Page, show: Show) -> None:
    show(picture(looped(30), loop))
    place = page.locator("[data-wf-position]")
    for action, step in (
        ("first", 1),
        ("ten-on", 11),
        ("line-next", 12),
        ("line-before", 11),
        ("next", 12),
        ("back", 11),
        ("previous-failure", 9),
        ("ten-back", 1),
        ("next-failure", 9),
        ("last", 31),
    ):
        page.click(f"[data-wf-action={action}]")
        expect(place).to_have_text(f"step {step} of 31")
    for action in ("play", "full", "breakpoint", "note", "fork", "edit", "export-test"):
        expect(page.locator(f"[data-wf-action={action}]")).to_be_visible()
    assert page.locator(f"{LOCALS} .wf-pin").count() == page.locator(f"{LOCALS} .wf-varname:is(button)").count() > 0
    page.keyboard.press("?")
    expect(page.locator(VIEW)).to_contain_text("a note about this step")


def test_what_a_workflow_supplies_is_text(page: Page, show: Show) -> None:
    told = picture(ordered())
    values = [[HOSTILE, [[HOSTILE, [HOSTILE]]]] for _ in told.details.values]
    steps = [
        msgspec.structs.replace(step, event=HOSTILE, heard=[protocol.HeardLine(level=HOSTILE, text=HOSTILE)]) for step in told.details.steps
    ]
    show(msgspec.structs.replace(told, name=HOSTILE, banners=[HOSTILE], details=protocol.Details(steps=steps, values=values)))
    page.keyboard.press("Home")
    page.keyboard.press("d")
    assert page.locator(f"{VIEW} script, {VIEW} img").count() == 0
    assert HOSTILE in page.inner_text("[data-wf-event]")
