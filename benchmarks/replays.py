"""The replay of a long run: what a jump to any step of it takes, in Chromium, from the click to the variables as drawn. A JSON line per row, first the machine's.

    python benchmarks/replays.py                   10,000 steps
    python benchmarks/replays.py --steps 1000      another size; may be repeated

`seek_ms` is a jump to a step that the page does not know: it asks, the run's source answers as in a kernel, the page draws. `answer_ms` is
the source's part of that, `known_ms` a jump to a step that the page knows. Between page and source stands no server, whose way is the notebook's own. `read_ms` is what it takes to replay the whole history,
`picture_ms` to make the first picture of that, `sent_kb` what is sent.
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from playwright.sync_api import Browser, Page, sync_playwright

import wflab as wf
from benchmarks.environment import environment
from tests.conftest import CHROMIUM_ARGUMENTS, chromium
from tests.lab.views.pages import SHOW, page_with
from wflab import protocol
from wflab.display.replay_source import ReplaySource
from wflab.display.source import reply_of

SIZES = (10_000,)
GOALS = {"seek_p95_ms": 150.0}
_SEEKS = 200
_VIEW = "[data-wf-view=replay]"
# From the click on the scrubber until the frame is drawn that has the variables of the step that was jumped to.
_SEEK = """async (share) => {
  const track = document.querySelector("[data-wf-slider]");
  const box = track.getBoundingClientRect();
  const variables = document.querySelector("[data-wf-locals]");
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const at = { clientX: box.left + 16 + (box.width - 32) * share, clientY: box.top + 16, pointerId: 1 };
  track.setPointerCapture = () => undefined;
  const asked = model.sent.filter((sent) => sent.what === "steps").length;
  const begin = performance.now();
  track.dispatchEvent(new PointerEvent("pointerdown", at));
  const step = document.querySelector(".wf-replay").dataset.wfStep;
  while (variables.querySelector("[data-wf-variable=place]") === null) await frame();
  await frame();
  const ms = performance.now() - begin;
  return { ms, step: Number(step), asked: model.sent.filter((sent) => sent.what === "steps").length > asked };
}"""
_ANSWER = """() => {
  const send = model.send;
  model.send = (content) => {
    send(content);
    if (content.type === "request") kernel(JSON.stringify(content)).then((reply) => model.tell(JSON.parse(reply))); // as text: Playwright takes long over trees
  };
}"""


def loop(ctx: Any, count: int) -> Any:
    """A step for each call, with a variable that is there from the second on and a list that grows."""
    kept: list[dict[str, int]] = []
    for place in range(count):
        got = yield ctx.call_activity("part", input=place)
        kept = [*kept[-50:], {"place": place, "got": got}]
    return len(kept)


def part(_ctx: Any, place: int) -> int:
    """Next to nothing."""
    return place * 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the sizes that were asked for. The exit code says nothing about the targets: machines differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", action="append", type=int, help="so many steps; may be repeated")
    parser.add_argument("--seeks", type=int, default=_SEEKS, help=f"jumps of each kind (default {_SEEKS})")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=Path.cwd()) as scratch, sync_playwright() as playwright:
        _print({"environment": environment(Path(scratch))})
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGUMENTS)
        for size in options.steps or SIZES:
            with wf.Lab(Path(scratch) / f"{size}.duckdb") as lab:
                _print(_row(browser, lab, size, options.seeks))
        browser.close()
    return 0


def _row(browser: Browser, lab: wf.Lab, size: int, seeks: int) -> dict[str, Any]:
    lab.engine.register_activity(part)
    lab.engine.register_workflow(loop)
    run = lab.start("loop", size - 1)
    run.result(600)
    source = run.replay().source
    begin = time.perf_counter()
    source.reader.whole()
    read = time.perf_counter()
    picture = source.picture()
    made = time.perf_counter()
    with page_with(browser, "replay", width=1400) as page:
        unknown, known, answers = _jumps(page, source, picture, seeks)
    figures = {
        **_quantiles("seek", unknown),
        **_quantiles("known", known),
        **_quantiles("answer", answers),
        "read_ms": (read - begin) * 1000,
        "picture_ms": (made - read) * 1000,
        "sent_kb": len(msgspec.msgpack.encode(picture)) / 1000,
    }
    return {
        "work": "replay",
        "steps": picture.steps_total,
        "seeks": [len(unknown), len(known)],
        **{name: float(f"{value:.4g}") for name, value in figures.items()},
        "goals": GOALS,
        "met": all(figures[name] <= goal for name, goal in GOALS.items()),
    }


def _jumps(page: Page, source: ReplaySource, picture: protocol.ReplayPicture, seeks: int) -> tuple[list[float], list[float], list[float]]:
    """How long jumps took to steps that the page had to ask for, and to others."""
    answers: list[float] = []

    def answer(asked: str) -> str:
        begin = time.perf_counter()
        told = msgspec.json.encode(reply_of(source, msgspec.json.decode(asked, type=protocol.Request))).decode()
        answers.append((time.perf_counter() - begin) * 1000)
        return told

    page.expose_function("kernel", answer)
    page.evaluate(SHOW, protocol.as_data(protocol.ShowPicture(seq=1, picture=picture)))
    page.wait_for_selector(f"{_VIEW} [data-wf-slider]")
    page.evaluate(_ANSWER)
    page.click("[data-wf-action=full]")
    chance = random.Random(1)  # the same jumps each time
    unknown: list[float] = []
    known: list[float] = []
    for _ in range(20 * seeks):
        if len(unknown) >= seeks and len(known) >= seeks:
            break
        jump = page.evaluate(_SEEK, chance.uniform(0.01, 1))
        (unknown if jump["asked"] else known).append(jump["ms"])
    return unknown[:seeks], known[:seeks], answers


def _quantiles(name: str, found: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(found, n=20)
    return {f"{name}_p50_ms": cuts[9], f"{name}_p95_ms": cuts[18]}


def _print(what: object) -> None:
    print(msgspec.json.encode(what).decode(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
