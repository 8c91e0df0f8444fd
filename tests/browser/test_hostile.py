"""Names and payloads that mean harm, in every field of every view: shown as text, nothing runs, nothing breaks."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenNotebook
from tests.browser.hostile import hostile_strings

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

WICKED = """
%load_ext wflab
import wflab as wf
wfr = wf.WorkflowRuntime()
STRINGS = {strings!r}
PARTS = [STRINGS[at : at + 40] for at in range(0, len(STRINGS), 40)]

def fails(payload):
    raise RuntimeError(payload)
def echo(payload):
    return payload

NAMES = []
for text in STRINGS:
    try:
        wfr.register_activity(lambda ctx, given: given, name=text)
        NAMES.append(text)
    except ValueError:
        pass  # no activity may be called so

@wfr.workflow(name="wicked")
def wicked(ctx, part):
    ctx.set_custom_status(PARTS[part][0])
    saga = wf.Saga(ctx)
    for text in [text for text in PARTS[part] if text in NAMES][:12]:
        yield saga.step(text, undo=text, input={{text: text}})
    yield from saga.compensate()
    for text in PARTS[part]:
        try:
            yield ctx.step(fails, text, name=text)
        except wf.TaskFailedError:
            pass
        yield ctx.step(echo, {{text: text}}, name=text)
    properties = {{text: {{"type": "string", "title": text, "description": text, "default": text}} for text in PARTS[part][:4]}}
    waits = [
        ctx.wait_for_external_event(text, title=text, schema={{"type": "object", "title": text, "description": text, "properties": properties}})
        for text in PARTS[part][:12] if text.strip()
    ]
    yield wf.when_all(waits)

def broken(ctx, message):
    raise RuntimeError(message)
    yield

VERSIONS = [text for text in STRINGS if "<" in text][:2]
for version, message in zip(VERSIONS, ["as before", VERSIONS[0]]):
    wfr.register_versioned_workflow(broken, name="broken", version_name=version, is_latest=True)
    try:
        lab.start("broken", message).result(60)
    except wf.WorkflowFailed:
        pass  # it is what the dashboard tells: what failed, and since which version

runs = [lab.start("wicked", part, tags={{PARTS[part][0]: PARTS[part][1]}}) for part in range(len(PARTS))]
big = lab.start("wicked", 0, "with-a-very-large-input")
"""
RECIPES = """
import json
from pathlib import Path
folder = Path("wicked"); folder.mkdir()
for number in range(0, len(STRINGS), 20):
    texts = STRINGS[number : number + 20]
    one, many = json.dumps(" ".join(texts)), json.dumps(texts)
    front = f'''
title = {one}
pattern = {one}
use_when = {one}
not_when = {one}
level = "beginner"
verbs = {many}
seconds = 5
tags = {many}
problems = {many}
ends = "COMPLETED"
run = {one}
experimental = {one if number == 180 else '""'}
[knobs]
WORD = {{ label = {one}, choices = {many} }}
[failure]
says = {one}
knobs = {{ WORD = {json.dumps(texts[-1])} }}
ends = "COMPLETED"
fails = ["holds"]
'''
    code = f'''
import wflab as wf
WORD = {texts[0]!r}
wfr = wf.WorkflowRuntime()
@wfr.workflow
def wicked_recipe(ctx, word):
    return word
    yield
run = lab.start(wicked_recipe, WORD)
# %% evidence
def holds(run):
    {" ".join(texts)!r}
    return run.knobs["WORD"] == {texts[0]!r}, {" ".join(texts)!r}
'''
    (folder / f"wicked_{number}.py").write_text(repr(front) + code, encoding="utf-8")
"""
WAITED = """
import time
until = time.monotonic() + 60
while lab.sql("SELECT count(DISTINCT instance_id) AS n FROM waits").n[0] < len(runs) and time.monotonic() < until:
    time.sleep(0.1)
print("all wait:", lab.sql("SELECT count(DISTINCT instance_id) AS n FROM waits").n[0] >= len(runs))
replay = runs[0].replay()
for at, text in enumerate(STRINGS):
    try:
        replay.note(1 + at % 5, text)
    except ValueError:
        pass  # nothing but blanks, or too long
print("notes:", len(replay.notes), set(replay.notes.text) == {text.strip() for text in STRINGS if 0 < len(text.strip()) <= 2000})
"""
SHOWN = {
    "run": "for run in runs: display(run)",
    "graph": "for run in runs: display(run.graph())",
    "timeline": "for run in runs: display(run.timeline())",
    "saga": "for run in runs: display(run.saga())",
    "replay": "for run in runs: display(run.replay())",
    "inbox": "lab.inbox()",
    "dashboard": "display(lab.dashboard(name='wicked'), lab.dashboard(name='broken'))",
    "recipes": RECIPES + "display(lab.recipes(folder=folder)); display(lab.recipes('wicked_0', folder=folder))",
}


def test_two_hundred_hostile_strings_are_text_in_every_view(open_notebook: OpenNotebook) -> None:
    strings = hostile_strings()
    assert len(strings) == 200
    page = open_notebook(WICKED.format(strings=strings), WAITED, *SHOWN.values(), "for run in [*runs, big]: run.terminate()")
    page.page.on("dialog", lambda _: pytest.fail("a string was run as a script"))
    page.run(0)
    page.run(1)
    expect(page.cell(1)).to_contain_text("all wait: True", timeout=90_000)
    expect(page.cell(1)).to_contain_text(re.compile(r"notes: \d+ True"), timeout=90_000)
    notes = int(page.output(1).split("notes: ")[1].split()[0])
    for index, name in enumerate(SHOWN, start=2):
        page.run(index)
        views = page.cell(index).locator(f"[data-wf-view={name}]")
        expect(views.first).to_be_visible(timeout=30_000)
        expect(page.cell(index).locator("[role=alert]:visible")).to_have_count(0)
        assert page.cell(index).locator("[data-wf-view] :is(script, iframe, object, embed, video, audio, base, link)").count() == 0
        assert page.page.evaluate("() => window.pwned") is None
        if name == "saga":
            assert views.first.locator("[data-wf-node]").count() == 24
        if name == "replay":
            assert views.first.locator("[data-wf-note]").count() == notes
        if name == "dashboard":
            mark = [text for text in strings if "<" in text][1]
            expect(views.last.locator("[data-wf-new]")).to_have_attribute("data-wf-new", mark, timeout=30_000)
            views.last.locator("[data-wf-action=heat]").click()
            expect(views.last.locator("[data-wf-heat]")).to_be_visible()
            assert page.page.evaluate("() => window.pwned") is None
    opened = page.cell(len(SHOWN) + 1).locator("[data-wf-detail=wicked_0]")
    opened.locator("[data-wf-action=tab-code]").click()
    opened.locator("[data-wf-action=run]").click()
    expect(opened.locator("[data-wf-evidence=pass]")).to_have_count(2, timeout=30_000)
    assert opened.locator(":is(script, iframe, object, embed, video, audio, base, link)").count() == 0
    page.run(len(SHOWN) + 2)
    expect(page.cell(2).locator("[data-wf-view=run][data-wf-state=TERMINATED]").first).to_be_attached(timeout=30_000)
    assert page.page.evaluate("() => window.pwned") is None

    # As Markdown in a cell of the notebook, where Jupyter's own renderer has a go at them.
    replays = list(SHOWN).index("replay") + 2
    page.cell(replays).locator("[data-wf-view=replay] [data-wf-action=notes-insert]").first.click()
    drawn = page.cell(replays + 1).locator(".jp-RenderedMarkdown")
    expect(drawn.locator("li")).to_have_count(notes, timeout=30_000)
    assert drawn.locator("ul, ol").count() == 1
    assert (
        drawn.locator(
            ":is(img, script, iframe, object, embed, video, audio, svg, form, input, style, table, h1, h2, mjx-container)"
        ).count()
        == 0
    )
    assert drawn.locator("a[href]:not([href^='#wflab-replay/'])").count() == 0
    assert page.page.evaluate("() => window.pwned") is None
