"""State, messages and calls as Dapr's SDK for JavaScript has them: an app that speaks to itself through its sidecar."""

import json
import subprocess

import pytest

from tests.gateway import installing, running
from wfengine.gateway.apps import App, AppProtocol
from wfengine.gateway.gateway import Gateway


@pytest.mark.gateway
@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_an_app_in_javascript_uses_state_messages_and_calls(gateway: Gateway, protocol: AppProtocol) -> None:
    sidecar = gateway.add_app(App(app_id="shop", app_port=running.free_port(), app_protocol=protocol))
    environment = {**running.environment(sidecar), "APP_PORT": str(sidecar.app.app_port)}
    command = (*installing.javascript("neighbours.mjs").command, protocol)
    program = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=running.LONGEST_SECONDS, check=False)
    assert program.returncode == 0, program.stdout + program.stderr
    assert json.loads(program.stdout.splitlines()[-1]) == {
        "state": {"n": 1},
        "bulk": ["two", None],
        "after": ["", "3"],
        "heard": {"id": 7},
        "invoked": {"doubled": 42},
        "id": "shop",
    }
