"""The run's card: its state, its small graph, what it waits for."""

from collections.abc import Collection
from typing import Any

import msgspec

from wfengine.errors import EnginePaused, InstanceNotFound
from wfengine.runtime.engine import Engine
from wflab import protocol
from wflab.analytics.asking import sentence, standing_of, state_of
from wflab.analytics.sources import source_of_races
from wflab.analytics.steps import steps_of
from wflab.display.source import no_such_question
from wflab.views.picture import picture_of


class RunCard:
    """A source (see `source.Source`)."""

    freezes = True

    def __init__(self, engine: Engine, instance_id: str) -> None:
        self.instance_id = instance_id
        self._engine = engine
        self._latest: protocol.Picture | None = None

    def concerns(self, instance_ids: Collection[str]) -> bool:
        """Its own run alone."""
        return self.instance_id in instance_ids

    def picture(self) -> protocol.Picture:
        """The run as it stands; while the record cannot be read (a full disk), as it stood, with the reason."""
        try:
            self._latest = self._drawn()
        except EnginePaused as paused:
            if self._latest is None:
                raise
            return msgspec.structs.replace(self._latest, why=str(paused))
        except InstanceNotFound:  # purged since: what was last seen of it stays
            if self._latest is None:
                raise
        return self._latest

    def answer(self, request: protocol.Request) -> Any:
        """It asks for nothing."""
        raise no_such_question(request)

    def _drawn(self) -> protocol.Picture:
        engine = self._engine
        instance = state_of(engine, self.instance_id)
        standing = standing_of(engine, instance)
        rows = engine.store.history(instance.key)
        source = source_of_races(engine, instance.key, rows)
        held_up = [held.event_id for held in standing.held_up]
        reason = sentence(engine, instance, steps_of(instance, rows, held_up=held_up, source=source), standing)
        ticks = not engine.virtual_time.is_on
        return picture_of(instance, rows, now=engine.now(), why=reason, held_up=held_up, ticks=ticks, source=source)
