"""Dapr's multi-app run file means here what it means to `dapr run -f`, and what of it has no effect is said."""

from pathlib import Path

import pytest

from wfengine.errors import InvalidArgument
from wfengine.gateway.launching.environment import environment_of
from wfengine.gateway.launching.run_file import _MEANINGLESS, _OWN, _SHARED, RunFile, read_run_file
from wfengine.gateway.launching.spec import ProgramSpec


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("orders", "billing", "resources", "shared", "orders/mine", "billing/.dapr/resources"):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    return tmp_path


def read(folder: Path, text: str) -> RunFile:
    (folder / "dapr.yaml").write_text(text)
    return read_run_file(folder / "dapr.yaml")


WHOLE = """
version: 1
common:
  resourcesPath: ./resources
  resourcesPaths: [./shared]
  appMaxConcurrency: 4
  appProtocol: grpc
  env:
    DEBUG: true
    LEVEL: 1
apps:
  - appID: order-service
    appDirPath: ./orders
    appPort: 8001
    daprHTTPPort: 3501
    daprGRPCPort: 50011
    command: ["python3", "app.py", 5]
    appLogDestination: file
    env:
      LEVEL: two
      EMPTY:
  - appDirPath: ./billing
    appProtocol: http
    command: node app.js --name "a b"
"""


def test_a_run_file_gives_each_program_what_it_says_and_what_common_says(folder: Path) -> None:
    orders, billing = read(folder, WHOLE).programs
    assert orders == ProgramSpec(
        app_id="order-service",
        directory=folder / "orders",
        command=("python3", "app.py", "5"),
        app_port=8001,
        app_protocol="grpc",
        http_port=3501,
        grpc_port=50011,
        env={"DEBUG": "true", "LEVEL": "two", "EMPTY": ""},
        resources=(folder / "shared", folder / "resources"),
        max_concurrency=4,
        log_destination="file",
    )
    assert (billing.app_id, billing.app_port, billing.app_protocol, billing.log_destination) == ("billing", None, "http", "console")
    assert billing.command == ("node", "app.js", "--name", "a b")
    assert billing.env == {"DEBUG": "true", "LEVEL": "1"}


def test_an_app_s_own_resources_come_before_those_beside_it_and_those_before_common_s(folder: Path) -> None:
    orders, billing = read(
        folder,
        """
        version: 1
        common: {resourcesPath: ./resources}
        apps:
          - {appID: a, appDirPath: ./orders, resourcesPath: mine}
          - {appID: b, appDirPath: ./billing}
        """,
    ).programs
    assert (orders.resources, billing.resources) == ((folder / "orders/mine",), (folder / "billing/.dapr/resources",))


def test_what_has_no_effect_is_said_once_with_the_reason_or_the_key_that_was_meant(folder: Path) -> None:
    notes = read(
        folder,
        """
        version: 1
        comon: {}
        apps:
          - {appID: a, appDirPath: ./orders, logLevel: debug, apPort: 80, metricsPort: 9090}
          - {appID: b, appDirPath: ./orders, logLevel: info}
        """,
    ).notes
    assert notes == (
        "dapr.yaml: the key 'comon' is not known; 'common' is. It has no effect.",
        "logLevel has no effect: there is no daprd whose log it could be.",
        "metricsPort has no effect: the API log and lab.sql have the numbers.",
        "apps[0]: the key 'apPort' is not known; 'appPort' is. It has no effect.",
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("version: 1", "`apps:` lists the programs; there is none"),
        ("apps: []", "`version: 1` is missing"),
        ("- a", "keys and values are expected, not list"),
        ("version: 1\napps: [{appID: a}]", r"apps\[0\]: `appDirPath` is missing"),
        ("version: 1\napps: [{appDirPath: ./gone}]", r"apps\[0\].appDirPath: .*/gone does not exist"),
        ("version: 1\napps: [{appDirPath: ./orders, appID: a b}]", r"apps\[0\].appID: 'a b' cannot be an app's id"),
        ("version: 1\napps: [{appDirPath: ./orders, appPort: many}]", r"apps\[0\].appPort: 'many' is no port"),
        ("version: 1\napps: [{appDirPath: ./orders, appPort: 70000}]", "70000 is no port. Write a number from 1 to 65535"),
        ("version: 1\napps: [{appDirPath: ./orders, appProtocol: ftp}]", "'ftp' is none of http, grpc"),
        ("version: 1\napps: [{appDirPath: ./orders, command: 5}]", "command: a list of words"),
        ("version: 1\napps: [{appDirPath: ./orders, command: 'a \"b'}]", "No closing quotation"),
        ("version: 1\napps: [{appDirPath: ./orders, appLogDestination: printer}]", "'printer' is none of console"),
        ("version: 1\napps: [{appDirPath: ./orders, env: {A: [1]}}]", r"env.A: \[1\] is no text"),
        ("version: 1\napps: [{appDirPath: ./orders}, {appDirPath: ./orders}]", "Two apps are called 'orders'"),
        (
            "version: 1\napps: [{appID: a, appDirPath: ./orders, appPort: 80}, {appID: b, appDirPath: ./orders, daprHTTPPort: 80}]",
            "Port 80 is wanted twice, by a and by b",
        ),
        ("version: 1\napps: [{appDirPath: ./orders, appPort: [1]}]", r"\[1\] is no port"),
        ("version: 1\napps: [{appDirPath: ./orders, appMaxConcurrency: 0}]", "0 is no number of calls"),
        ("a: [", "is no YAML"),
    ],
)
def test_a_run_file_that_cannot_be_meant_is_refused_with_its_place(folder: Path, text: str, complaint: str) -> None:
    with pytest.raises(InvalidArgument, match=complaint):
        read(folder, text)


def test_a_folder_stands_for_the_dapr_yaml_in_it_and_a_missing_file_is_said(folder: Path) -> None:
    read(folder, "version: 1\napps: [{appDirPath: ./orders}]")
    assert read_run_file(folder).path == folder / "dapr.yaml"
    with pytest.raises(InvalidArgument, match=r"There is no run file .*other\.yaml"):
        read_run_file(folder / "other.yaml")


def test_a_program_s_environment_is_that_of_dapr_run(tmp_path: Path) -> None:
    spec = ProgramSpec(app_id="orders", directory=tmp_path, app_port=8001, env={"LEVEL": "two", "DAPR_HTTP_PORT": "9"})
    lab = {"PATH": "/bin", "DAPR_GRPC_ENDPOINT": "https://elsewhere", "APP_PORT": "1", "LEVEL": "one"}
    assert environment_of(spec, http_port=3501, grpc_port=50011, api_token=str(tmp_path), own=lab) == {
        "PATH": "/bin",
        "PYTHONUNBUFFERED": "1",
        "APP_ID": "orders",
        "APP_PORT": "8001",
        "APP_PROTOCOL": "http",
        "APP_CHANNEL_ADDRESS": "127.0.0.1",
        "DAPR_HTTP_PORT": "9",
        "DAPR_GRPC_PORT": "50011",
        "DAPR_API_TOKEN": str(tmp_path),
        "LEVEL": "two",
    }


def test_an_app_without_a_port_is_not_told_another_s(tmp_path: Path) -> None:
    env = environment_of(ProgramSpec(app_id="orders", directory=tmp_path), http_port=1, grpc_port=2, own={"APP_PORT": "1"})
    assert "APP_PORT" not in env


def test_every_key_of_a_run_file_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "sidecar.md").read_text("utf-8")
    assert [key for key in (*_OWN, *_SHARED, *_MEANINGLESS) if f"`{key}`" not in page] == []
