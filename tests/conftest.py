"""What every test of the house shares: hypothesis profiles, empty records, and the loud word when there is no browser."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.empty_records import EmptyRecords
from wfengine.store import database

NO_CHROMIUM = "no Chromium on this machine (as root: apt-get install -y chromium), so nothing was tested in a browser"

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# Their tests are about the file itself, and make each anew.
TESTS = Path(__file__).parent
ABOUT_THE_FILE = (TESTS / "engine" / "store", TESTS / "faults", TESTS / "house")

# A deadline per example would test how busy the machine is.
settings.register_profile("usual", deadline=None, print_blob=True)
settings.register_profile("long", settings.get_profile("usual"), max_examples=2_000)
settings.load_profile("long" if os.environ.get("WFLAB_LONG") else "usual")


def chromium() -> str | None:
    """The browser to drive."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def longest(item: pytest.Item) -> float:
    """How long it may take at most, in seconds, where it says so itself."""
    limit = item.get_closest_marker("timeout")
    return float(limit.args[0]) if limit and limit.args else 0.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=longest, reverse=True)  # so that no process is left alone with one at the end
    if chromium() is None:
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.skip(reason=NO_CHROMIUM))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if NO_CHROMIUM in str(report.longrepr)]
    if skipped:
        terminalreporter.write_sep("!", f"{len(skipped)} BROWSER TESTS SKIPPED: {NO_CHROMIUM}", red=True, bold=True)


@pytest.fixture(scope="session")
def empty_records(tmp_path_factory: pytest.TempPathFactory) -> EmptyRecords:
    return EmptyRecords(tmp_path_factory.mktemp("empty"))


@pytest.fixture(autouse=True)
def _records_are_copied(request: pytest.FixtureRequest, empty_records: EmptyRecords) -> Iterator[None]:
    """A test of a room above the store begins with a copy of an empty record."""
    with pytest.MonkeyPatch.context() as patch:
        if not any(request.path.is_relative_to(folder) for folder in ABOUT_THE_FILE):
            patch.setattr(database, "create", empty_records.create)
        yield


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Its synchronous side runs once in a process."""
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """One Chromium for all tests."""
    launched = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGUMENTS)
    yield launched
    launched.close()
