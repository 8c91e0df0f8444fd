"""Dapr's multi-app run file (`dapr run -f dapr.yaml`), read as Dapr reads it.

What an app does not say, `common` says for all, but `env`, which is merged. Paths in `common` and `appDirPath` start at the file's folder, an app's
other paths at its `appDirPath`. Resources: the app's own, else `appDirPath`/.dapr/resources, else those in `common`. Dapr's settings that mean nothing
here, and keys that nobody knows, are told in `notes` rather than passed over in silence.
"""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast, get_args

import msgspec
import yaml

from wfengine.errors import InvalidArgument
from wfengine.gateway.launching.spec import (
    LogDestination,
    ProgramSpec,
    Protocol,
    checked_app_id,
    checked_command,
    checked_port,
    checked_protocol,
)

_SHARED = frozenset(("appProtocol", "resourcesPath", "resourcesPaths", "env", "appLogDestination", "appSSL", "appMaxConcurrency"))
_OWN = frozenset(("appID", "appDirPath", "appPort", "appChannelAddress", "command", "daprHTTPPort", "daprGRPCPort"))
_MEANINGLESS = {
    "enableApiLogging": "every call is in the API log (lab.api_log())",
    "logLevel": "there is no daprd whose log it could be",
    "daprdLogDestination": "there is no daprd whose log it could be",
    "runtimePath": "the lab is the runtime",
    "metricsPort": "the API log and lab.sql have the numbers",
    "enableProfiling": "there is no daprd to profile",
    "profilePort": "there is no daprd to profile",
    "placementHostAddress": "the lab needs no placement service",
    "schedulerHostAddress": "the lab needs no scheduler service",
    "daprInternalGRPCPort": "sidecars of one lab share its memory",
    "unixDomainSocket": "the sidecar listens on TCP ports",
    "apiListenAddresses": "lab.serve(host=) says where all sidecars listen",
    "maxBodySize": "lab.serve() sets one limit for all",
    "readBufferSize": "lab.serve() sets one limit for all",
    "configFilePath": "a Configuration sets what daprd does, such as where traces go",
    "enableAppHealthCheck": "the app is not probed; its process is watched",
    "appHealthCheckPath": "the app is not probed; its process is watched",
    "appHealthProbeInterval": "the app is not probed; its process is watched",
    "appHealthProbeTimeout": "the app is not probed; its process is watched",
    "appHealthThreshold": "the app is not probed; its process is watched",
    "containerImage": "programs run as processes here",
    "containerImagePullPolicy": "programs run as processes here",
    "createService": "programs run as processes here",
}


class RunFile(msgspec.Struct, frozen=True, kw_only=True):
    """What a run file says; `notes` are sentences about what of it has no effect."""

    path: Path
    programs: tuple[ProgramSpec, ...]
    notes: tuple[str, ...]


def read_run_file(path: str | Path) -> RunFile:
    """Read a run file, or the `dapr.yaml` of a folder. Raises InvalidArgument, which names the place in the file and what to write there."""
    place = Path(path).expanduser().resolve()
    if place.is_dir():
        place /= "dapr.yaml"
    try:
        content = yaml.safe_load(place.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidArgument(
            f"There is no run file {place}. `wflab run -f dapr.yaml` takes a file, or the folder of a dapr.yaml."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"{place} is no YAML: {' '.join(str(error).split())}") from None
    return _run_file(place, content)


def _run_file(place: Path, content: object) -> RunFile:
    top = _mapping(content, place.name)
    if top.get("version") != 1:
        raise InvalidArgument(f"{place.name}: `version: 1` is missing. It is the first line of a run file.")
    apps = top.get("apps")
    if not isinstance(apps, list) or not apps:
        raise InvalidArgument(f"{place.name}: `apps:` lists the programs; there is none. Each has at least an appDirPath and a command.")
    notes: list[str] = _strangers(top, ("version", "common", "apps", "name"), place.name)
    common = _mapping(top.get("common") or {}, "common")
    notes += _notes_on(common, "common", _SHARED)
    programs = []
    for number, found in enumerate(apps):
        app = _mapping(found, f"apps[{number}]")
        notes += _notes_on(app, f"apps[{number}]", _SHARED | _OWN)
        programs.append(_program(app, common, place.parent, f"apps[{number}]"))
    _expect_apart(programs)
    return RunFile(path=place, programs=tuple(programs), notes=tuple(dict.fromkeys(notes)))


def _program(app: Mapping[str, Any], common: Mapping[str, Any], base: Path, where: str) -> ProgramSpec:
    if not app.get("appDirPath"):
        raise InvalidArgument(f"{where}: `appDirPath` is missing: the folder that the program runs in, such as ./ or ./orders.")
    directory = _existing(base, app["appDirPath"], f"{where}.appDirPath")
    app_id = checked_app_id(app.get("appID") or directory.name, f"{where}.appID")

    def shared(key: str) -> Any:
        return app[key] if app.get(key) not in (None, "") else common.get(key)

    return ProgramSpec(
        app_id=app_id,
        directory=directory,
        command=checked_command(app.get("command"), f"{where}.command"),
        app_port=None if app.get("appPort") in (None, 0, -1) else checked_port(app["appPort"], f"{where}.appPort", least=1),
        app_protocol=_protocol(shared("appProtocol"), f"{where}.appProtocol", is_secure=bool(shared("appSSL"))),
        app_host=str(app.get("appChannelAddress") or "127.0.0.1"),
        max_concurrency=_concurrency(shared("appMaxConcurrency"), where),
        http_port=_sidecar_port(app.get("daprHTTPPort"), f"{where}.daprHTTPPort"),
        grpc_port=_sidecar_port(app.get("daprGRPCPort"), f"{where}.daprGRPCPort"),
        env={**_env(common.get("env"), "common.env"), **_env(app.get("env"), f"{where}.env")},
        resources=_resources(app, common, base, directory, where),
        log_destination=_log_destination(shared("appLogDestination"), where),
    )


def _resources(app: Mapping[str, Any], common: Mapping[str, Any], base: Path, directory: Path, where: str) -> tuple[Path, ...]:
    own = _paths(app, directory, where)
    beside = directory / ".dapr" / "resources"
    return own or ((beside,) if beside.is_dir() else _paths(common, base, "common"))


def _paths(section: Mapping[str, Any], base: Path, where: str) -> tuple[Path, ...]:
    many = section.get("resourcesPaths") or []
    if not isinstance(many, list):
        raise InvalidArgument(f"{where}.resourcesPaths: a list of folders, such as [./resources].")
    one = [section["resourcesPath"]] if section.get("resourcesPath") else []
    return tuple(_existing(base, path, f"{where}.resourcesPaths") for path in [*many, *one])


def _existing(base: Path, written: object, where: str) -> Path:
    if not isinstance(written, str):
        raise InvalidArgument(f"{where}: {written!r} is no path.")
    path = (base / Path(written).expanduser()).resolve()
    if not path.exists():
        raise InvalidArgument(f"{where}: {path} does not exist. {written!r} starts at {base}.")
    return path


def _protocol(written: object, where: str, *, is_secure: bool) -> Protocol:
    found = checked_protocol(str(written or "http").lower(), where)
    return "https" if is_secure and found == "http" else "grpcs" if is_secure and found == "grpc" else found


def _log_destination(written: object, where: str) -> LogDestination:
    if written is None:
        return "console"
    if written not in get_args(LogDestination):
        raise InvalidArgument(f"{where}.appLogDestination: {written!r} is none of {', '.join(get_args(LogDestination))}.")
    return cast("LogDestination", written)


def _concurrency(written: object, where: str) -> int | None:
    if written in (None, -1):
        return None
    if not isinstance(written, int) or isinstance(written, bool) or written < 1:
        raise InvalidArgument(f"{where}.appMaxConcurrency: {written!r} is no number of calls. Write 1 or more, or leave it out.")
    return written


def _sidecar_port(written: object, where: str) -> int:
    return 0 if written in (None, -1) else checked_port(written, where)


def _env(written: object, where: str) -> dict[str, str]:
    if written is None:
        return {}
    found = _mapping(written, where)
    return {str(name): _env_value(value, f"{where}.{name}") for name, value in found.items()}


def _env_value(value: object, where: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, str | int | float):
        return "" if value is None else str(value)
    raise InvalidArgument(f"{where}: {value!r} is no text. Write it in quotes.")


def _expect_apart(programs: Iterable[ProgramSpec]) -> None:
    ids: set[str] = set()
    ports: dict[int, str] = {}
    for program in programs:
        if program.app_id in ids:
            raise InvalidArgument(f"Two apps are called {program.app_id!r}. Give each an appID of its own.")
        ids.add(program.app_id)
        for port in filter(None, (program.app_port, program.http_port, program.grpc_port)):
            if port in ports:
                raise InvalidArgument(
                    f"Port {port} is wanted twice, by {ports[port]} and by {program.app_id}. Change one, or leave it out."
                )
            ports[port] = program.app_id


def _mapping(found: object, where: str) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise InvalidArgument(f"{where}: keys and values are expected, not {type(found).__name__}.")
    return found


def _notes_on(section: Mapping[str, Any], where: str, known: frozenset[str]) -> list[str]:
    meaningless = [f"{key} has no effect: {_MEANINGLESS[key]}." for key in section if key in _MEANINGLESS]
    return [*meaningless, *_strangers(section, (*known, *_MEANINGLESS), where)]


def _strangers(section: Mapping[str, Any], known: Iterable[str], where: str) -> list[str]:
    known = tuple(known)
    notes = []
    for key in section:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, 1)
            notes.append(f"{where}: the key {str(key)!r} is not known{f'; {close[0]!r} is' if close else ''}. It has no effect.")
    return notes
