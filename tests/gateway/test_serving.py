"""The lab as a sidecar, from the notebook's side: it is served, programs start beside it, and all of it ends with the lab."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]  # it carries no types
import pytest

import wflab as wf
from tests.waiting import eventually
from wfengine.errors import InvalidArgument, WflabError

pytestmark = pytest.mark.slow

CALLS = """
    import os, signal, sys, urllib.request
    with urllib.request.urlopen(f"http://127.0.0.1:{os.environ['DAPR_HTTP_PORT']}/v1.0/healthz") as answer:
        print(os.environ["APP_ID"], answer.status, *sys.argv[1:])
    signal.pause()
"""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[wf.Lab]:
    (tmp_path / "app.py").write_text(textwrap.dedent(CALLS))
    with wf.Lab(tmp_path / "lab.duckdb") as lab:
        yield lab


def started(lab: wf.Lab, folder: Path, app_id: str = "orders", **more: Any) -> Any:
    app = lab.run_app(app_id, [sys.executable, "app.py"], directory=folder, **more)
    eventually(lambda: len(app.output) > 0)
    return app


def test_a_lab_is_served_on_ports_of_its_choice_or_any(lab: wf.Lab) -> None:
    serving = lab.serve(grpc_port=0, http_port=0)
    assert httpx.get(f"http://127.0.0.1:{serving.http_port}/v1.0/healthz").status_code == 204
    assert repr(serving) == f"Served at HTTP {serving.http_port} and gRPC {serving.grpc_port} of 127.0.0.1."
    assert lab.serve(grpc_port=0, http_port=0) is serving
    with pytest.raises(InvalidArgument, match=r"sidecars already, with other settings.*lab\.serving\.close\(\)"):
        lab.serve(grpc_port=0, http_port=0, api_token="t" * 3)
    serving.close()
    assert repr(serving).startswith("The lab is not served.")


def test_a_port_that_is_taken_is_said_and_the_lab_can_be_served_elsewhere(lab: wf.Lab) -> None:
    taken = lab.serve(grpc_port=0, http_port=0).http_port
    with wf.Lab(lab.path.with_name("other.duckdb")) as other:
        with pytest.raises(WflabError, match=str(taken)):
            other.serve(grpc_port=0, http_port=taken)
        other.serve(grpc_port=0, http_port=0)


def test_a_lab_whose_apps_run_may_be_served_later_and_keeps_them(lab: wf.Lab, tmp_path: Path) -> None:
    app = started(lab, tmp_path)
    assert repr(lab.serving).startswith("The lab itself is not served.")
    with pytest.raises(InvalidArgument, match="The lab is not served"):
        _ = lab.serving.http_port
    with pytest.raises(WflabError, match=str(app.http_port)):
        lab.serve(grpc_port=0, http_port=app.http_port)
    assert httpx.get(f"http://127.0.0.1:{lab.serve(grpc_port=0, http_port=0).http_port}/v1.0/healthz").status_code == 204
    assert app.is_alive


def test_another_host_needs_a_token(lab: wf.Lab) -> None:
    with pytest.raises(InvalidArgument, match="api_token"):
        lab.serve(host="0.0.0.0", grpc_port=0, http_port=0)  # noqa: S104  # that it is refused is the point


def test_an_app_finds_its_sidecar_and_its_calls_are_in_the_log(lab: wf.Lab, tmp_path: Path) -> None:
    app = started(lab, tmp_path)
    assert repr(app.output) == "orders 204"
    assert (app.state, app.is_alive, app.port, app.exit_code) == ("running", True, None, None)
    assert lab.serving.gateway.calls.flush()
    (call,) = lab.api_log(app="orders").df().to_dict("records")
    assert (call["api"], call["method"], call["status"]) == ("health", "GET /v1.0/healthz", "204")


def test_apps_are_a_table_that_says_what_each_does(lab: wf.Lab, tmp_path: Path) -> None:
    assert repr(lab.apps).startswith("No apps yet.")
    assert "No apps yet." in lab.apps._repr_html_()
    app = started(lab, tmp_path)
    lab.run_app("by-hand", app_port=8001)
    heads, orders, by_hand = repr(lab.apps).splitlines()
    assert heads.split() == ["App", "State", "Workers", "Subscriptions", "Port", "Sidecar", "HTTP", "Sidecar", "gRPC", "Last", "line"]
    assert orders.split() == ["orders", "running", "0", "–", "–", str(app.http_port), str(app.grpc_port), "orders", "204"]
    assert by_hand.split()[:5] == ["by-hand", "served", "0", "–", "8001"]
    frame = lab.apps.df()
    assert list(frame["app"]) == ["orders", "by-hand"]
    assert frame["pid"].tolist()[0] == app.pid
    assert frame["since"].dt.tz is not None
    assert "<td" in lab.apps._repr_html_()
    with pytest.raises(InvalidArgument, match="no app 'x'; there are orders, by-hand"):
        lab.apps["x"]
    with pytest.raises(InvalidArgument, match=r"start it yourself with DAPR_HTTP_PORT=\d+ DAPR_GRPC_PORT=\d+"):
        lab.apps["by-hand"].restart()


LISTENS = """
    import json, os
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps([{"pubsubname": "pubsub", "topic": "orders", "route": "/orders"}]).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", int(os.environ["APP_PORT"])), Answer)
    print("listens")
    server.serve_forever()
"""


def test_an_app_is_asked_what_it_subscribes_to_and_the_table_tells(lab: wf.Lab, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(textwrap.dedent(LISTENS))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = started(lab, tmp_path, app_port=port)
    eventually(lambda: app.subscriptions == ["pubsub/orders"])
    assert "pubsub/orders" in repr(lab.apps)
    assert lab.apps.df()["subscriptions"].tolist() == [["pubsub/orders"]]


def test_what_a_program_writes_is_text_in_a_page(lab: wf.Lab, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("print('\\x1b[31m<script>alert(1)</script>')")
    app = started(lab, tmp_path)
    assert app.wait(30)
    for page in (app._repr_html_(), lab.apps._repr_html_(), lab.serving._repr_html_()):
        assert "<script>" not in page
        assert "\x1b" not in page
    assert "&lt;script&gt;" in app._repr_html_()


def test_an_app_is_restarted_stopped_and_replaced_by_one_of_its_name(lab: wf.Lab, tmp_path: Path) -> None:
    app = started(lab, tmp_path)
    first, port = app.pid, app.http_port
    app.restart()
    eventually(lambda: len(app.output) == 2)
    assert app.pid not in (None, first)
    assert app.http_port == port
    app.stop()
    assert (app.state, app.pid) == ("stopped", None)
    again = started(lab, tmp_path, env={"EXTRA": 1})
    assert lab.apps["orders"] is again
    assert len(lab.apps) == 1


def test_an_app_that_cannot_start_leaves_nothing_behind(lab: wf.Lab, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="on PATH"):
        lab.run_app("orders", "no-such-program")
    assert len(lab.apps) == 0
    assert started(lab, tmp_path).state == "running"
    for refused, said in (
        ({"directory": "gone"}, "directory: .*gone is no folder"),
        ({"resources": ["gone"]}, "resources: .*gone is no folder"),
        ({"app_protocol": "ftp"}, "'ftp' is none of"),
        ({"port": 80}, "run_app has no 'port'"),
        ({"app_port": 70_000}, "70000"),
    ):
        with pytest.raises(InvalidArgument, match=said):
            lab.run_app("other", "true", **refused)


def test_programs_end_with_their_lab(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(textwrap.dedent(CALLS))
    with wf.Lab(tmp_path / "lab.duckdb") as lab:
        pid = started(lab, tmp_path).pid
        assert psutil.pid_exists(pid)
    eventually(lambda: not psutil.pid_exists(pid))


RUN_FILE = """
version: 1
apps:
  - {{appID: one, appDirPath: ., command: ["{python}", app.py, first], logLevel: debug}}
  - {{appID: two, appDirPath: ., command: ["{python}", {second}]}}
"""


def run_file(folder: Path, second: str = "app.py, second") -> Path:
    place = folder / "dapr.yaml"
    place.write_text(RUN_FILE.format(python=sys.executable, second=second))
    return place


def test_a_run_file_starts_all_apps_and_says_what_of_it_has_no_effect(lab: wf.Lab, tmp_path: Path) -> None:
    apps = lab.run_apps(run_file(tmp_path))
    assert list(apps) == ["one", "two"]
    eventually(lambda: [repr(app.output) for app in apps.values()] == ["one 204 first", "two 204 second"])
    assert repr(apps).splitlines()[-1] == "logLevel has no effect: there is no daprd whose log it could be."
    apps.stop()
    assert [app.state for app in lab.apps.values()] == ["stopped", "stopped"]


def test_a_run_file_starts_all_apps_or_none(lab: wf.Lab, tmp_path: Path) -> None:
    place = run_file(tmp_path)
    place.write_text(place.read_text().replace(f'"{sys.executable}", app.py, second', "no-such-program"))
    with pytest.raises(InvalidArgument, match="two: 'no-such-program' cannot be started"):
        lab.run_apps(place)
    assert len(lab.apps) == 0


def console(folder: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "wflab", "run", "-f", "dapr.yaml"]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ})


def test_a_console_prints_each_line_with_its_app_and_ends_all_at_ctrl_c(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(textwrap.dedent(CALLS))
    run_file(tmp_path)
    with console(tmp_path) as running:
        assert running.stdout is not None
        lines = list[str]()
        while not {"== APP - one == one 204 first", "== APP - two == two 204 second"} <= set(lines):
            line = running.stdout.readline()
            assert line, running.communicate()
            lines.append(line.rstrip())
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (0, "")
    assert "note: logLevel has no effect" in "\n".join(lines)
    assert "Ending all apps." in out


def test_a_console_ends_when_its_apps_have_and_says_with_its_code_whether_one_failed(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("print('hello')")
    run_file(tmp_path, "-c, 'raise SystemExit(3)'")
    with console(tmp_path) as running:
        out, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (1, "")
    assert "== APP - one == hello" in out
    assert "== APP - two == ended with exit code 3" in out


def test_a_console_without_a_run_file_says_so_in_one_line(tmp_path: Path) -> None:
    with console(tmp_path) as running:
        _, err = running.communicate(timeout=60)
    assert running.returncode == 1
    assert err.startswith("InvalidArgument: There is no run file")
    assert len(err.splitlines()) == 1


WITHOUT_THE_EXTRA = """
import sys
for name in ("google.protobuf", "grpc", "httpx", "starlette", "uvicorn", "yaml"):
    sys.modules[name] = None
import wflab as wf
with wf.Lab("lab.duckdb") as lab:
    print(lab.api_log().text())
    for call in (lab.serve, lambda: lab.run_app("orders"), lambda: lab.run_apps(), lambda: lab.apps):
        try:
            call()
        except wf.WflabError as error:
            print(error)
"""


def test_without_the_extra_all_else_works_and_serving_says_what_to_install(tmp_path: Path) -> None:
    told = subprocess.run([sys.executable, "-c", WITHOUT_THE_EXTRA], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120)
    log, *refused = told.stdout.splitlines()
    assert log.startswith("No calls yet.")
    assert [line.partition("Install them: ")[2] for line in refused] == ["pip install 'wflab[gateway]'."] * 4
