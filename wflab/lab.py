"""Lab: this kernel's bench. One database file, the engine on it, and the handles and views of its runs."""

import atexit
import getpass
import os
import socket
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import wait
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self
from weakref import ref

import pandas as pd

from wfengine.errors import DefinitionNotFound, InstanceNotFound, InvalidArgument, PayloadError
from wfengine.model.work import AuditRow
from wfengine.runtime.engine import Engine
from wfengine.runtime.limits import Limits
from wfengine.runtime.registry import Definition
from wfengine.runtime.retention import StateRetention
from wfengine.store.store import Store
from wflab.analytics.fleet.slo import SLO
from wflab.analytics.race_rounds import rivals_of
from wflab.checking.checked import Checked
from wflab.checking.checking import check
from wflab.checking.on_edit import check_on_edit
from wflab.clock import LabClock
from wflab.current import Current
from wflab.decisions import Decisions
from wflab.display.api_log_handle import ApiLogHandle
from wflab.display.api_log_source import ApiLogSource, log_filter_given
from wflab.display.dashboard_handle import DashboardHandle
from wflab.display.dashboard_source import DashboardSource, filter_given
from wflab.display.displays import Displays
from wflab.display.graph_source import GraphSource
from wflab.display.handle import ViewHandle
from wflab.display.inbox_source import InboxSource
from wflab.display.recipes_handle import RecipesHandle
from wflab.display.recipes_source import RecipesSource
from wflab.display.run_card import RunCard
from wflab.display.saga_source import SagaSource
from wflab.display.source import Source
from wflab.display.timeline_source import TimelineSource
from wflab.focus import LabFocus
from wflab.linting.linted import Linted
from wflab.linting.linting import lint
from wflab.linting.on_define import lint_on_define
from wflab.noting import Noting
from wflab.options import options
from wflab.protocol import ViewName
from wflab.proving import saga_proof
from wflab.questions import Questions
from wflab.recipes.gallery import gallery
from wflab.run import Run
from wflab.runs import Runs
from wflab.served import Served
from wflab.undoing import Undoing
from wflab.views.diff import RunDiff
from wflab.views.saga_proof import SagaProof

if TYPE_CHECKING:
    from wflab.serving.app import RunningApp
    from wflab.serving.apps import Apps
    from wflab.serving.serving import Serving

DEFAULT_PATH = "wflab.duckdb"
# Whoever starts detached workflows records their keys; a next generation has the root of the first.
_LAST = """
    SELECT instance_id FROM instances
    WHERE parent IS NULL AND root NOT IN (
        SELECT (detail->>'execution')::BIGINT FROM history WHERE type = 'DetachedWorkflowInstanceCreated' AND detail->>'execution' IS NOT NULL
    )
    ORDER BY key DESC LIMIT 1
"""


class Follower(Protocol):
    """What registers its functions with the lab of the notebook, whichever that is; a lab keeps none alive."""

    def follow(self, lab: "Lab") -> None:
        """Go over to the lab that was opened in place of a closed one."""


class Lab(Questions):
    """A lab on the file `path` (made if it is not there). Open, it is the current lab; closing it leaves nothing behind.

    Raises StoreInUse where another kernel has the file, NotADatabase where it is something else. `clock` is `lab.clock`. `retention` says how long
    ended runs are kept (for ever), `limits` how much may be under way at a time (any), `poison_after` how often the process may die under one attempt
    of an activity before that is given up (None: as often as it likes). `check_on_edit`: whether a cell that changes a workflow says how the
    recorded histories take that; `lint_on_define`: whether a cell that defines one says what in it surely differs between replays. A lab `at_rest` runs nothing: its file can be asked and checked, and whatever is to be recorded waits for ever.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] = DEFAULT_PATH,
        *,
        retention: StateRetention | None = None,
        limits: Limits | None = None,
        poison_after: int | None = 3,
        at_rest: bool = False,
    ) -> None:
        store = Store.open(path, holder=_holder())
        try:
            engine = Engine(store, retention=retention, limits=limits, poison_after=poison_after, racing=rivals_of)
        except BaseException:
            store.close()
            raise
        super().__init__(engine, lambda: "light" if self._displays is None else self._displays.theme)
        self.is_open = True
        self.check_on_edit = True
        self.lint_on_define = True
        self.path = self.engine.store.path
        self.clock = LabClock(self.engine)
        self.decisions = Decisions(self.engine, self.audit)
        self.undoing = Undoing(self.engine, self.audit, self._look_at)
        self.noting = Noting(self.engine, self.audit, self._look_at)
        self.focus = LabFocus(lambda instance_id: Run(self, instance_id).spans())
        self.served = Served()
        self._making = threading.Lock()  # guards that there is one of each below: a page's thread asks for them, too
        self._serving: Serving | None = None
        self._displays: Displays | None = None
        self._at_close: list[Callable[[], None]] = []
        self.followers: list[ref[Follower]] = []
        try:
            if not at_rest:
                self.engine.start()
                self.undoing.take_up()
            current.enter(self)
        except BaseException:
            self.close()
            raise
        atexit.register(self.close)  # a daemon thread inside DuckDB at the interpreter's end would abort it

    # Runs.

    def start(
        self,
        workflow: Callable[..., Any] | str,
        input: Any = None,
        instance_id: str | None = None,
        start_at: datetime | timedelta | None = None,
        tags: Mapping[str, str] | None = None,
        app_id: str | None = None,
    ) -> Run:
        """Start an instance of a registered workflow; durable when this returns, which is at once.

        `start_at` is a moment (naive means UTC), or a span from now on the lab's clock.
        Raises DefinitionNotFound, InstanceAlreadyExists, PayloadError, InvalidArgument; then nothing was recorded.
        """
        if isinstance(start_at, timedelta):
            start_at = self.engine.now() + start_at
        return Run(
            self,
            self.engine.schedule_new_workflow(workflow, input=input, instance_id=instance_id, start_at=start_at, tags=tags, app_id=app_id),
        )

    def start_many(
        self, workflow: Callable[..., Any] | str, inputs: Iterable[Any], *, tags: Mapping[str, str] | None = None, app_id: str | None = None
    ) -> list[Run]:
        """Start an instance for each input, thousands in a second; all are durable when this returns. Raises as `start`.

        Where an input is refused, nothing after it is started; the error tells its place, and what was started before it goes on.
        """
        started = []
        for place, given in enumerate(inputs):
            try:
                started.append(self.engine.schedule_new_workflow_soon(workflow, input=given, tags=tags, app_id=app_id))
            except PayloadError as error:
                wait([ack for _, ack in started])
                raise PayloadError(f"inputs[{place}]: {error} {place} were started.", path=error.path) from None
        for _, ack in started:
            ack.result()
        return [Run(self, instance_id) for instance_id, _ in started]

    def get(self, instance_id: str) -> Run:
        """The run of an id, of a unique prefix of one, or `last`: the newest that nobody's workflow started. Raises InstanceNotFound, InvalidArgument where several fit."""
        return Run(self, self._resolved(instance_id))

    @property
    def runs(self) -> Runs:
        """All instances; `.where(name=, status=).since('24h')`, then `.df()`, `.count()`, or an act on all of them."""
        return Runs(self.engine, bench=self)

    def _resolved(self, wanted: str) -> str:
        if self.engine.key_of(wanted) is not None:
            return wanted
        query = (
            _LAST
            if wanted == "last"
            else "SELECT instance_id FROM instances WHERE starts_with(instance_id, $wanted) ORDER BY key DESC LIMIT 3"
        )
        with self.engine.store.cursor() as cursor:
            found = [row[0] for row in cursor.execute(query, None if wanted == "last" else {"wanted": wanted}).fetchall()]
        if not found:
            raise InstanceNotFound(wanted, "`%wf ls` lists the ids that exist.")
        if len(found) > 1:
            raise InvalidArgument(f"{wanted!r} fits several instances, such as {found[0]} and {found[1]}. Write more of the id.")
        return str(found[0])

    def resumed(self) -> list[str]:
        """What the lab found under way when it was opened, a sentence each; empty where there was nothing."""
        live = [run for run in self.runs.list() if not run.status.is_terminal]
        if not live:
            return []
        missing = sorted({run.name for run in live} - set(self.engine.registry.names("workflow")))
        plural = "workflow goes" if len(live) == 1 else "workflows go"
        hint = f" Run the cells that define {', '.join(missing)}." if missing else ""
        return [
            f"{len(live)} {plural} on from where it was.{hint}"
            if len(live) == 1
            else f"{len(live)} {plural} on from where they were.{hint}"
        ]

    # Code and what is recorded.

    def check(
        self,
        workflow: Callable[..., Any] | str,
        *,
        code: Callable[..., Any] | str | None = None,
        limit: int | None = None,
        status: str | Enum | Iterable[str | Enum] | None = None,
    ) -> Checked:
        """Replay every recorded history of a workflow on its code as it is registered now, newest first; no activity runs, nothing is recorded.

        Running and ended instances and all generations of continue-as-new are replayed, each on the version that it is recorded with. A function
        that is not registered, or `code`, is tried in its place. `limit` is how many at most, `status` which ones only.
        Raises DefinitionNotFound, InvalidArgument.
        """
        return check(self.engine, workflow, code=code, limit=limit, status=status)

    def check_all(self) -> pd.DataFrame:
        """`check` for each registered workflow: a row by its name, with how many histories were replayed, agree and disagree."""
        found = [self.check(name) for name in self.engine.registry.names("workflow")]
        rows = [{"workflow": one.name, "replayed": len(one.verdicts), "agree": one.agree, "disagree": one.disagree} for one in found]
        return pd.DataFrame(rows, columns=["workflow", "replayed", "agree", "disagree"]).set_index("workflow")

    def lint(self, workflow: Callable[..., Any] | str) -> Linted:
        """What in a workflow's source, and in your functions that it calls, differs between replays, and what to write instead. Runs nothing.

        A comment `# wf: allow RULE` on a line keeps a finding out. Raises DefinitionNotFound, InvalidArgument.
        """
        if not isinstance(workflow, str):
            return lint(workflow)
        found = self.engine.registry.find("workflow", workflow)
        if found is None:
            raise DefinitionNotFound("workflow", workflow, self.engine.registry.names("workflow"))
        return lint(found.function)

    def defined(self, definition: Definition, before: str | None) -> None:
        """A cell has registered a workflow that was this code `before`: say what of it is not deterministic, and how its histories take it."""
        if self.lint_on_define:
            lint_on_define(definition, before)
        if self.check_on_edit and options.check_on_edit:
            check_on_edit(self.engine, definition, before)

    # The bench itself.

    @property
    def displays(self) -> Displays:
        """The live views, and the thread that writes to them."""
        with self._making:
            if self._displays is None:
                self._displays = Displays(self.engine, self.decisions, self.focus, self.source)
            return self._displays

    def _look_at(self, instance_id: str) -> None:
        if self._displays is not None:
            self._displays.look_at(instance_id)

    def source(self, view: ViewName, instance_id: str) -> Source:
        """Where a run's view of this name gets its pictures from."""
        if view == "run":
            return RunCard(self.engine, instance_id)
        if view == "graph":
            return GraphSource(self.engine, instance_id)
        if view == "timeline":
            return TimelineSource(self.engine, instance_id)
        if view == "saga":
            return SagaSource(self.engine, self.undoing, instance_id)
        if view == "replay":
            return Run(self, instance_id).replay().source
        return self._source_of_all(view)

    def _source_of_all(self, view: ViewName) -> Source:
        if view == "inbox":
            return InboxSource(self.engine, self.decisions, lab=self.path.name, user=_user)
        if view == "recipes":
            return self._recipes(None, None, {})
        if view == "dashboard":
            return self._dashboard()
        if view == "api_log":
            return self._api_log({})
        raise InvalidArgument(f"A run has no view {view!r}.")

    def inbox(self) -> ViewHandle:
        """All questions that wait for a person's answer, to be displayed and answered: the nearest deadline first."""
        return ViewHandle(self.displays, self.source("inbox", ""))

    def saga_proof(
        self,
        workflow: Callable[..., Any] | str,
        input: Any = None,
        *,
        activities: Iterable[Callable[..., Any]] = (),
        mocks: Mapping[Any, Any] | None = None,
        events: Iterable[Any] | Mapping[str, Any] = (),
        without_effect: Collection[str] = (),
    ) -> SagaProof:
        """Prove that a saga takes back what it did: play it with a failure at every step in turn, and tabulate what is undone and what is left.

        Every call fails once and times out once (then nobody knows whether it happened), and every undo fails once. Nothing is recorded, and no activity
        runs but those in `activities`; the others answer as `mocks` says (as in `wf.testing.run`), as in this lab's last good run, or with a word that
        stands for the result. `events` are raised once it waits for them. `without_effect` names calls that leave nothing to undo, such as reads.
        Assert `.is_clean`; `.df()` is the table. Raises InvalidArgument where the workflow fails though nothing is made to.
        """
        return saga_proof(self.engine, workflow, input, activities=activities, mocks=mocks, events=events, without_effect=without_effect)

    def recipes(self, name: str | None = None, *, folder: str | os.PathLike[str] | None = None, **knobs: Any) -> RecipesHandle:
        """The gallery of patterns, to be displayed, run and put into cells; `name` opens it at one, with `knobs` turned.

        `folder` has recipes of your own, a file each, that stand beside ours; else the environment's WFLAB_RECIPES names it. Each is rehearsed to draw
        its graph: its code runs over doubles of lab and clock, its activities for real. Raises InvalidArgument for a file that is no recipe
        (with its line), an id that is there twice, and a name or knob that is not.
        """
        return RecipesHandle(self.displays, self._recipes(folder, name, knobs))

    def _recipes(self, folder: str | os.PathLike[str] | None, name: str | None, knobs: Mapping[str, Any]) -> RecipesSource:
        chosen = folder or os.environ.get("WFLAB_RECIPES")
        known = gallery(None if chosen is None else Path(chosen))
        return RecipesSource(self.engine, known, self._bench, lab=self.path.name, opened=name, knobs=knobs)

    def _bench(self) -> dict[str, Any]:
        """What a recipe's code finds, as a cell's would."""
        if current.find() is not self:
            raise InvalidArgument("A recipe runs in the current lab, which is another one than this gallery's. Close that one first.")
        return {"lab": self}

    def dashboard(self, *, slo: SLO | None = None, **filter: Any) -> DashboardHandle:
        """How all runs do: success rates, durations, failures, what is stuck, and every instance; to be filtered, marked and acted on.

        `filter` narrows it: since, until (as for `success_rates`), name, status, version, tag ('key' or 'key=value'), text, children, canceled.
        `slo` is what they are held to, `lab.slo` where none is given. On what it gives, `.selection` are the runs marked in it (or all that
        the filter leaves) and `.explain("success")` the SQL of a number. Raises InvalidArgument.
        """
        return DashboardHandle(self.displays, self._dashboard(slo, filter), self.runs)

    def _dashboard(self, slo: SLO | None = None, filter: Mapping[str, Any] | None = None) -> DashboardSource:
        source = DashboardSource(self.engine, self.fleet, lab=self.path.name, audit=self.audit, held_to=slo)
        source.look_at(filter_given(filter or {}))
        return source

    # Programs elsewhere.

    @property
    def serving(self) -> "Serving":
        """The lab as a sidecar: its gateway and the programs beside it. Raises InvalidArgument where the extra `wflab[gateway]` is not installed."""
        try:
            from wflab.serving.serving import Serving  # noqa: PLC0415  # an extra: everything else works without it
        except ImportError as error:
            raise InvalidArgument(f"Serving needs more packages ({error}). Install them: pip install 'wflab[gateway]'.") from None
        with self._making:
            if self._serving is None:
                self._serving = Serving(self.engine, self.served)
            return self._serving

    def serve(
        self,
        *,
        grpc_port: int = 50001,
        http_port: int = 3500,
        host: str = "127.0.0.1",
        api_token: str | None = None,
        allowed_hosts: Sequence[str] = (),
        allowed_origins: Sequence[str] = (),
        max_body_bytes: int = 4 * 1024 * 1024,
    ) -> "Serving":
        """Open the lab to Dapr's SDKs, as their sidecar, on these ports (0: any free one); programs in any language then run workflows here.

        `api_token` is what callers have to show as dapr-api-token (the environment's DAPR_API_TOKEN, where none is given); any `host` but this machine
        alone needs one. `allowed_hosts` are further names by which this machine may be called, `allowed_origins` web pages that may call. Calling it
        again gives the same. Raises PortInUse, and InvalidArgument.
        """
        return self.serving.open(
            grpc_port=grpc_port,
            http_port=http_port,
            host=host,
            api_token=api_token or os.environ.get("DAPR_API_TOKEN") or None,
            allowed_hosts=tuple(allowed_hosts),
            allowed_origins=tuple(allowed_origins),
            max_body_bytes=max_body_bytes,
        )

    def run_app(
        self,
        app_id: str,
        command: Sequence[str] | str | None = None,
        *,
        directory: str | os.PathLike[str] = ".",
        app_port: int | None = None,
        app_protocol: str = "http",
        env: Mapping[str, str] | None = None,
        resources: Iterable[str | os.PathLike[str]] = (),
        **ports: int,
    ) -> "RunningApp":
        """Start a program with the lab as its sidecar, as `dapr run --app-id ... -- command` does; an app that runs under this id is ended first.

        It finds its sidecar's ports in its environment, as every Dapr program does; `http_port` and `grpc_port` choose them. `app_port` is where it
        listens itself, if it does; `resources` are folders of component, subscription and resiliency files. Without a `command` only the sidecar is
        opened, for a program that you start yourself. What it writes is `.output`. Programs end with the lab. Raises InvalidArgument, PortInUse.
        """
        return self.serving.run_app(
            app_id,
            command,
            directory=directory,
            app_port=app_port,
            app_protocol=app_protocol,
            env=env,
            resources=resources,
            **ports,
        )

    def run_apps(self, run_file: str | os.PathLike[str] = "dapr.yaml") -> "Apps":
        """Start all apps of a run file (or of a folder's `dapr.yaml`), as `dapr run -f` does: all, or none. Raises InvalidArgument, PortInUse."""
        return self.serving.run_file(Path(run_file))

    @property
    def apps(self) -> "Apps":
        """The apps beside the lab, by id: their state, ports, workers and output; `.df()`, `.stop()`."""
        return self.serving.apps

    def api_log(self, **filter: Any) -> ApiLogHandle:
        """Every call that came in by a sidecar, live: which app, what it asked, how it was answered, how long it took; `.df()` gives them as a DataFrame.

        `filter` narrows it: app (an id; "" is the lab's own), api ("state", "workflow", ...), outcome ("ok" or "failed"), since, until (as for
        `success_rates`), text (in methods, targets, callers, errors) and trace (a W3C trace id). Raises InvalidArgument.
        """
        return ApiLogHandle(self.displays, self._api_log(filter), self.engine.store.cursor)

    def _api_log(self, filter: Mapping[str, Any]) -> ApiLogSource:
        source = ApiLogSource(self.engine, lab=self.path.name, moment=self.fleet.moment, served=self.served)
        source.look_at(log_filter_given(filter))
        return source

    def audit(self, what: str, where: str) -> AuditRow:
        """The row that an act of the person at this kernel is recorded with."""
        return AuditRow(at=self.engine.now(), who=_user(), what=what, where=where)

    @property
    def status(self) -> str:
        """One line: whether the engine runs, or why not and what to do."""
        return self.engine.trouble or self.engine.busy or f"running on {self.path.name}"

    def when_closed(self, tell: Callable[[], None]) -> None:
        """Have `tell` called when the lab closes, while everything is still there; it must not raise."""
        self._at_close.append(tell)

    def close(self) -> None:
        """Finish writing and let go of the file; instances under way go on when it is opened again."""
        atexit.unregister(self.close)
        self.is_open = False
        current.leave(self)
        for told in self._at_close:
            told()
        if self._serving is not None:
            self._serving.close()
        if self._displays is not None:
            self._displays.close()
        self.decisions.close()
        self.engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Lab({self.path.name!r}): {self.status}"


current: Current[Lab] = Current()


def diff(a: Run | str, b: Run | str) -> RunDiff:
    """Two runs (or ids in the current lab) laid beside each other, step by step; display it, or take `.df()`. Raises InstanceNotFound."""
    one, other = (run if isinstance(run, Run) else current.get().get(run) for run in (a, b))
    return one.diff(other)


def current_lab() -> Lab:
    """The lab that is open. Raises an error that says how to open one."""
    return current.get()


def recipes(name: str | None = None, *, folder: str | os.PathLike[str] | None = None, **knobs: Any) -> RecipesHandle:
    """The gallery of patterns of the current lab; see `Lab.recipes`."""
    return current_lab().recipes(name, folder=folder, **knobs)


def _holder() -> str:
    kernel = os.environ.get("JPY_SESSION_NAME")
    program = f"the kernel of {os.path.basename(kernel)}" if kernel else "a Python process"  # noqa: PTH119  # it may be an id
    return f"{program} on {socket.gethostname()}"


def _user() -> str:
    try:
        return os.environ.get("JUPYTERHUB_USER") or getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
