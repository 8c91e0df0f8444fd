"""Row 1 of the faults: kill -9 at every commit boundary of each of the six patterns, and what recovery must show.

Wherever the process died, the pattern comes to the same end as if it had not: the same output, the same events (attempts that had to be
repeated apart), the same effects, none more often than once and once per death. A: what was acknowledged is there. B to E: `invariants`, checked by the
life that recovers. The test counts its work and fails when that is too little to mean anything.
"""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from tests.faults.boundaries import MOMENTS, Report
from tests.patterns.patterns import PATTERNS, Pattern
from wfengine.model.payload import from_json

HOUSE = Path(__file__).parents[2]
FEWEST_KILLS = 4  # of each moment: the start, two steps and the end are commits of any pattern


def played(pattern: Pattern, folder: Path) -> list[Report]:
    """Each boundary's report; those that survived are the uninterrupted runs."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.faults.boundaries", str(folder), pattern.name],
        cwd=HOUSE,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    reports = [msgspec.json.decode(line, type=Report) for line in ended.stdout.splitlines()]
    for report in reports:
        assert not report.trouble, f"{report.moment} {report.number}: {report.trouble}\n{ended.stderr}"
    return reports


@pytest.mark.faults
@pytest.mark.timeout(320)
@pytest.mark.parametrize("pattern", PATTERNS, ids=[f"{pattern.row}-{pattern.name}" for pattern in PATTERNS])
def test_killed_at_any_commit_boundary_a_pattern_comes_to_the_end_it_would_have_come_to(pattern: Pattern, tmp_path: Path) -> None:
    reports = played(pattern, tmp_path)
    whole = [report for report in reports if not report.deaths]
    for report in reports:
        where = f"{report.form}, killed {report.deaths} times, {report.moment} at sync {report.number}"
        assert from_json(report.output) == pattern.output, where
        assert report.histories == whole[0].histories, where
        executions = Counter(execution for _, execution in report.ran)
        assert max(executions.values()) <= 1 + report.deaths, f"{where}: {executions}"
        assert Counter(name for name, _ in set(report.ran)) == pattern.ran, where
        assert report.acknowledged <= 1 + len(pattern.raised)
    deaths = Counter(report.moment for report in reports for _ in range(report.deaths))
    print(f"{pattern.name}: {len(reports)} labs, {dict(deaths)} kills, {sum(r.turns_replayed for r in reports)} turns replayed")  # noqa: T201
    assert set(deaths) == set(MOMENTS)
    assert all(count >= FEWEST_KILLS for count in deaths.values()), "too few boundaries to mean anything"
    assert len(whole) == 2 * len(MOMENTS), "every lane of every moment ends with a life that survives"
    repeated = sum(len(report.ran) - len(set(report.ran)) for report in reports)
    assert repeated or pattern.row != "A42", "activities side by side, and no kill hit one at work"
