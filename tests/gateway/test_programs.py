"""Programs with Dapr's own SDKs, unmodified, against the lab as their sidecar: what each scenario gives there, it gives here."""

from typing import Any

import pytest

from tests.gateway import installing, running
from wfengine.gateway.sidecar import Sidecar

BUILT_WITHIN_SECONDS = 600  # from nothing; what is built is kept
EXPECTED: dict[str, Any] = {
    "chaining": 4,
    "fan_out": 285,
    "child": 12,
    "retries": "attempt 3",
    "timer": True,
    "event": {"n": 1},
    "event_timeout": "timed out",
    "continue_as_new": 3,
    "custom_status": "waiting",
    "suspend_resume": ["SUSPENDED", "SUSPENDED", "late"],
    "terminate": ["TERMINATED", "stopped"],
    "purge": ["COMPLETED", "none"],
    "failure": ["FAILED", True],
}


@pytest.mark.gateway
def test_a_python_program_gets_from_the_lab_what_it_gets_from_dapr(orders: Sidecar) -> None:
    assert running.results(running.PYTHON, orders) == EXPECTED


@pytest.mark.gateway
def test_a_javascript_program_gets_from_the_lab_what_it_gets_from_dapr(orders: Sidecar) -> None:
    expected = {name: value for name, value in EXPECTED.items() if name != "retries"}  # its SDK has no retry policies
    assert running.results(installing.javascript().command, orders) == expected


@pytest.mark.gateway
@pytest.mark.timeout(BUILT_WITHIN_SECONDS)
def test_a_go_program_gets_from_the_lab_what_it_gets_from_dapr(orders: Sidecar) -> None:
    assert running.results(installing.go().command, orders) == EXPECTED


@pytest.mark.gateway
@pytest.mark.timeout(BUILT_WITHIN_SECONDS)
def test_a_java_program_gets_from_the_lab_what_it_gets_from_dapr(orders: Sidecar) -> None:
    assert running.results(installing.java().command, orders) == EXPECTED
