"""Where runs are shown in a notebook: live widgets that follow the engine, and static cards once a run is over.

The engine's listener only touches the publisher; the publisher's thread makes the pictures. A click is handed to the engine on
whatever thread it arrives, without waiting.
"""

import os
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import msgspec
from IPython.display import display

from wfengine.errors import EnginePaused, InstanceNotFound
from wfengine.model.instance import Instance, Status
from wfengine.model.work import AuditRow
from wfengine.runtime.engine import Engine
from wflab.analytics.asking import sentence, standing_of, state_of, steps_now
from wflab.protocol import Act, Notice, Picture
from wflab.views.card import static_bundle
from wflab.views.picture import picture_of
from wflab.views.publisher import Publisher
from wflab.views.run_view import RunView


class RunDisplays:
    """All displays of one lab's runs. `audit` makes the row that an act is recorded with."""

    def __init__(self, engine: Engine, audit: Callable[[str, str], AuditRow]) -> None:
        self._engine = engine
        self._audit = audit
        self._publisher = Publisher()
        self._answered: dict[tuple[int, str], object] = {}
        self._shown: set[str] = set()
        self._forget = engine.listen(self._changed)

    def show(self, instance_id: str) -> None:
        """Display a run in the cell that runs now: live while it is, a static card after."""
        picture = self.picture(instance_id)
        if picture.is_over or os.environ.get("WFLAB_STATIC"):
            display(static_bundle(picture), raw=True)
            return
        view = RunView(picture, lambda act: self._act(instance_id, act))
        data, metadata = view._repr_mimebundle_()
        handle = display(data, metadata=metadata, raw=True, display_id=True)
        self._shown.add(instance_id)
        self._publisher.attach(instance_id, view, self._snapshots(instance_id, picture), display=handle)
        ended = self._engine.when_finished(instance_id)
        ended.add_done_callback(lambda _: self._publisher.freeze(instance_id))

    def _snapshots(self, instance_id: str, shown: Picture) -> Callable[[], Picture]:
        """The run as it stands, whenever asked; while the record cannot be read (a full disk), as it stood, with the reason."""
        latest = shown

        def snapshot() -> Picture:
            nonlocal latest
            try:
                latest = self.picture(instance_id)
            except EnginePaused as paused:
                return msgspec.structs.replace(latest, why=str(paused))
            except InstanceNotFound:  # purged since: what was last seen of it stays
                return latest
            return latest

        return snapshot

    def picture(self, instance_id: str) -> Picture:
        """The run as it stands now."""
        engine = self._engine
        instance = state_of(engine, instance_id)
        standing = standing_of(engine, instance)
        rows = engine.store.history(instance.key)
        reason = sentence(engine, instance, steps_now(instance, rows, standing), standing)
        held_up = [held.event_id for held in standing.held_up]
        return picture_of(instance, rows, now=engine.now(), why=reason, held_up=held_up, ticks=not engine.virtual_time.is_on)

    def close(self) -> None:
        """Let go of all views as they are."""
        self._forget()
        self._publisher.close()

    def _changed(self, instances: list[Instance]) -> None:
        """Called on the engine's thread; no instances means that the engine's own state changed."""
        touched = {instance.instance_id for instance in instances} & self._shown if instances else set(self._shown)
        for instance_id in touched:
            self._publisher.touch(instance_id)
        for instance in instances:
            if instance.status.is_terminal and instance.status is not Status.CONTINUED_AS_NEW:
                self._shown.discard(instance.instance_id)

    def _act(self, instance_id: str, act: Act) -> None:
        """A click, on any thread: one answer per wait, handed on without waiting."""
        key = self._engine.key_of(instance_id)
        mine = object()
        if key is None or self._answered.setdefault((key, act.wait_id), mine) is not mine:
            self._publisher.tell(instance_id, Notice(text="This was already answered.", token=act.token))
            return
        verb = {True: "approve", False: "reject"}.get(act.data, "raise_event") if isinstance(act.data, bool) else "raise_event"
        audit = self._audit(f"{verb} {act.event}", "display")
        raised = self._engine.raise_workflow_event_soon(instance_id, act.event, data=act.data, audit=audit)
        raised.add_done_callback(lambda done: self._tell(instance_id, act, key, done))

    def _tell(self, instance_id: str, act: Act, key: int, done: "Future[Any]") -> None:
        """What could not be recorded may be pressed again."""
        error = done.exception()
        if error is not None:
            self._answered.pop((key, act.wait_id), None)
            self._publisher.tell(instance_id, Notice(text=str(error), token=act.token, level="error"))
