"""The views with a great deal to show: what a page takes for it, in Chromium without a kernel. A JSON line per row, first the machine's.

    python benchmarks/views.py                     every size
    python benchmarks/views.py --spans 100000      one size; may be repeated

`paint_ms` from the data's arrival to the first painted frame, `pan_p95_ms` of a frame while panning, `heap_mb` what the page grew by,
`first_picture_ms` what the kernel takes to read the history and make the first picture, `picture_ms` to make the next when ten events are new,
`bins_ms` to answer the first question for finer bins, `sent_kb` what is sent.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from playwright.sync_api import Browser, sync_playwright

from benchmarks.environment import environment
from tests.conftest import CHROMIUM_ARGUMENTS, chromium
from tests.lab.conftest import Story
from tests.lab.views.pages import page_with
from tests.lab.views.test_timeline_page import MEASURE, shown
from tests.lab.views.timeline_stories import fan
from wflab import protocol
from wflab.analytics.span_fold import SpanFold
from wflab.views.span_table import SpanTable
from wflab.views.timeline_calls import calls_in, times_of_group
from wflab.views.timeline_picture import stretches_of, timeline_of

_NEW = 10
SIZES = (1_000, 10_000, 100_000)
GOALS = {"paint_ms": 1_000.0, "pan_p95_ms": 50.0, "heap_mb": 60.0, "bins_ms": 100.0}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the sizes that were asked for. The exit code says nothing about the targets: machines differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", action="append", type=int, help="so many spans; may be repeated")
    parser.add_argument("--repeat", type=int, default=3, help="pages per size; the medians are told (default 3)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=Path.cwd()) as scratch:
        _print({"environment": environment(Path(scratch))})
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=[*CHROMIUM_ARGUMENTS, "--enable-precise-memory-info", "--js-flags=--expose-gc"]
        )
        for size in options.spans or SIZES:
            _print(_row(browser, size, options.repeat))
        browser.close()
    return 0


def _row(browser: Browser, size: int, repeat: int) -> dict[str, Any]:
    story = fan(size)
    fold, table = SpanFold(story.instance), SpanTable()
    begin = time.perf_counter()
    fold.take(story.rows[:-_NEW])
    _drawn(story, fold, table)
    first = time.perf_counter()
    fold.take(story.rows[-_NEW:])
    picture = _drawn(story, fold, table)
    made = time.perf_counter()
    key = max(picture.groups, key=lambda group: group.count).key
    times = times_of_group(table, calls_in(table), key, picture.end)
    if times is not None:
        times.bins(stretches_of(picture.begin, picture.begin + 1_000, [], 1_400))
    binned = time.perf_counter()
    pages = [_measured(browser, picture) for _ in range(repeat)]
    figures = {
        name: statistics.median(page[name] for page in pages) for name in ("paint_ms", "pan_p50_ms", "pan_p95_ms", "heap_mb", "marks")
    }
    figures |= {
        "first_picture_ms": (first - begin) * 1000,
        "picture_ms": (made - first) * 1000,
        "bins_ms": (binned - made) * 1000,
        "sent_kb": len(msgspec.msgpack.encode(picture)) / 1000,
    }
    met = all(figures[name] <= goal for name, goal in GOALS.items())
    return {
        "work": "timeline",
        "spans": len(table),
        **{name: float(f"{value:.4g}") for name, value in figures.items()},
        "goals": GOALS,
        "met": met,
    }


def _drawn(story: Story, fold: SpanFold, table: SpanTable) -> protocol.TimelinePicture:
    """As the live source draws it."""
    ends = [row for row in (fold.first, fold.last) if row is not None]
    spans, turns = fold.spans(story.instance), list(fold.turns.values())
    return timeline_of(story.instance, ends, spans, now=story.now, ticks=False, turns=turns, table=table)


def _measured(browser: Browser, picture: protocol.TimelinePicture) -> dict[str, float]:
    with page_with(browser, "timeline", width=1400) as page:
        found: dict[str, float] = page.evaluate(MEASURE, shown(picture))
    return found


def _print(what: object) -> None:
    print(msgspec.json.encode(what).decode(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
