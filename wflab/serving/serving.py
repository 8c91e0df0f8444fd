"""The gateway of a lab, once it is wanted, and the apps beside it: each a sidecar, most of them with a program that the lab has started."""

import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Self

import msgspec

from wfengine.errors import InvalidArgument
from wfengine.gateway.apps import App, checked_app_id
from wfengine.gateway.components import read_resources
from wfengine.gateway.gateway import Gateway
from wfengine.gateway.launching.environment import environment_of
from wfengine.gateway.launching.program import Program
from wfengine.gateway.launching.run_file import read_run_file
from wfengine.gateway.launching.spec import ProgramSpec, checked_command, checked_protocol
from wfengine.gateway.options import Options
from wfengine.runtime.engine import Engine
from wflab.served import Served
from wflab.serving.app import RunningApp
from wflab.serving.apps import Apps


class Serving:
    """`lab.serve()`. Any thread may call it; one at a time starts or ends something."""

    def __init__(self, engine: Engine, served: Served) -> None:
        self._engine = engine
        self._served = served
        self._gateway: Gateway | None = None
        self._wanted: Options | None = None
        self._apps: dict[str, RunningApp] = {}
        self._acting = threading.RLock()  # of what starts and ends

    @property
    def gateway(self) -> Gateway:
        """The gateway; made where there is none yet, with the usual options. It has no sidecar of the lab's own before `open`."""
        with self._acting:
            return self._gateway or self._made(Options())

    @property
    def is_open(self) -> bool:
        """Whether there is a gateway."""
        return self._gateway is not None

    @property
    def http_port(self) -> int:
        """The lab's own sidecar's."""
        return self._own().http_port

    @property
    def grpc_port(self) -> int:
        """The lab's own sidecar's."""
        return self._own().grpc_port

    @property
    def apps(self) -> Apps:
        """Those that were started, by id."""
        return Apps(self._apps)

    def open(self, **options: Any) -> Self:
        """Open the lab's own sidecar with these `Options`. Raises PortInUse, and InvalidArgument where it is open, or apps run, with other ones."""
        with self._acting:
            wanted = Options(**options)
            if self._wanted == wanted:
                return self
            gateway = self._gateway or self._made(wanted)
            if gateway.sidecar() is not None or _but_for_ports(gateway.options) != _but_for_ports(wanted):
                raise InvalidArgument(
                    f"There are sidecars already, with other settings. {self!r} lab.serving.close() ends that, and all apps."
                )
            try:
                own = gateway.add_app(App(grpc_port=wanted.grpc_port, http_port=wanted.http_port))
            except BaseException:
                if not self._apps:
                    self.close()
                raise
            self._wanted = wanted
            self._served.begin(f"{own.http_address} and gRPC {own.grpc_address}", lambda: gateway.calls.dropped)
            return self

    def _made(self, options: Options) -> Gateway:
        gateway = self._gateway = Gateway(self._engine, options)
        gateway.hub.attach()  # workers come by the apps' sidecars, whether or not the lab has one of its own
        gateway.calls.subscribe(lambda _: self._served.tell())
        return gateway

    def run_app(
        self,
        app_id: str,
        command: Sequence[str] | str | None,
        *,
        directory: str | os.PathLike[str],
        app_protocol: str,
        env: Mapping[str, str] | None,
        resources: Iterable[str | os.PathLike[str]],
        **ports: Any,
    ) -> RunningApp:
        """`lab.run_app`; the ports are app_port, http_port and grpc_port."""
        strange = set(ports) - {"app_port", "http_port", "grpc_port"}
        if strange:
            raise InvalidArgument(f"run_app has no {min(strange)!r}; the sidecar's ports are http_port and grpc_port.")
        return self.run(
            ProgramSpec(
                app_id=app_id,
                directory=_existing(directory, "directory"),
                command=checked_command(command),
                app_protocol=checked_protocol(app_protocol),
                env={str(name): str(value) for name, value in (env or {}).items()},
                resources=tuple(_existing(folder, "resources") for folder in resources),
                **ports,
            )
        )

    def run(self, spec: ProgramSpec) -> RunningApp:
        """Open an app's sidecar and start its program. An id that ran before is started anew. Raises InvalidArgument, PortInUse; then nothing of it is left."""
        with self._acting:
            checked_app_id(spec.app_id)
            self.remove(spec.app_id)
            gateway = self.gateway
            sidecar = gateway.add_app(app_of(spec), read_resources(spec.resources) if spec.resources else None)
            app = sidecar.app
            program = None
            try:
                if spec.command:
                    env = environment_of(
                        spec, http_port=app.http_port, grpc_port=app.grpc_port, api_token=app.api_token, app_api_token=app.app_api_token
                    )
                    program = Program(spec, env, changed=self._served.tell)
                    program.start()
            except BaseException:
                gateway.remove_app(spec.app_id)
                raise
            running = RunningApp(app, program, gateway)
            self._apps[spec.app_id] = running
            return running

    def run_file(self, path: str | Path) -> Apps:
        """Start all apps of a run file, or none of them. Raises as `run`."""
        read = read_run_file(path)
        with self._acting:
            started: dict[str, RunningApp] = {}
            try:
                for spec in read.programs:
                    started[spec.app_id] = self.run(spec)
            except BaseException:
                for app_id in started:
                    self.remove(app_id)
                raise
            said = [note for app_id in started for note in self.gateway.resources(app_id).notes]
            return Apps(started, [*read.notes, *dict.fromkeys(said)])

    def remove(self, app_id: str) -> None:
        """End an app's program and close its sidecar; one that is not there is no error."""
        with self._acting:
            app = self._apps.pop(app_id, None)
            if app is not None:
                app.close()
                self.gateway.remove_app(app_id)

    def close(self) -> None:
        """End all programs and the gateway; the engine goes on."""
        with self._acting:
            self.apps.stop()
            self._apps.clear()
            if self._gateway is not None:
                self._gateway.close()
                self._gateway = self._wanted = None
                self._served.end()

    def _own(self) -> App:
        own = None if self._gateway is None else self._gateway.sidecar()
        if own is None:
            raise InvalidArgument("The lab is not served. lab.serve() does that.")
        return own.app

    def __repr__(self) -> str:
        if self._gateway is None or self._gateway.sidecar() is None:
            return f"The lab {'itself ' if self._apps else ''}is not served. lab.serve() opens it to Dapr's SDKs."
        return f"Served at HTTP {self.http_port} and gRPC {self.grpc_port} of {self._gateway.options.host}."

    def _repr_html_(self) -> str:
        apps = self.apps._repr_html_() if self._apps else ""
        return f"<p>{escape(repr(self))}</p>{apps}"


def _but_for_ports(options: Options) -> Options:
    return msgspec.structs.replace(options, grpc_port=0, http_port=0)


def app_of(spec: ProgramSpec) -> App:
    """The app of a program, for its sidecar."""
    if spec.app_protocol not in ("http", "grpc"):
        raise InvalidArgument(f"{spec.app_id}: apps are called by http or grpc here, not {spec.app_protocol!r}.")
    return App(
        app_id=spec.app_id,
        app_port=spec.app_port,
        app_protocol=spec.app_protocol,
        app_host=spec.app_host,
        max_concurrency=spec.max_concurrency,
        grpc_port=spec.grpc_port,
        http_port=spec.http_port,
        app_api_token=spec.env.get("APP_API_TOKEN"),
        command=spec.command,
    )


def _existing(path: str | os.PathLike[str], where: str) -> Path:
    place = Path(path).expanduser().resolve()
    if not place.is_dir():
        raise InvalidArgument(f"{where}: {place} is no folder.")
    return place
