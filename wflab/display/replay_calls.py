"""The calls of the run that a replay shows, read on as the run goes on: see `analytics.step_calls`."""

import threading

from wfengine.model.instance import TERMINAL
from wfengine.runtime.engine import Engine
from wflab.analytics.call_sites import call_sites
from wflab.analytics.race_rounds import races_in
from wflab.analytics.sources import source_of
from wflab.analytics.span_fold import SpanFold
from wflab.analytics.step_calls import StepCalls
from wflab.display.replay_reader import Read


class CallsRead:
    """One per replay. Names of calls and groups are those that the run's other views use: of the source that it runs, whatever code is replayed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading = threading.Lock()  # guards everything below: a page's thread asks, and a cell's
        self._source: object = None
        self._fold: SpanFold | None = None
        self._read = (-1, -1, False)
        self._calls = StepCalls((), (), ())

    def of(self, found: Read) -> StepCalls:
        """The calls of these steps."""
        with self._reading:
            return self._of(found)

    def _of(self, found: Read) -> StepCalls:
        instance, read = found.instance, (len(found.rows), len(found.steps), found.instance.status in TERMINAL)
        source = source_of(self._engine, instance.key)
        if read == self._read and source == self._source:
            return self._calls
        if self._fold is None or source != self._source or read[0] < self._fold.rows:
            self._source = source
            self._fold = SpanFold(instance, sites=call_sites(source.text), races=races_in(source.text), file=source.origin)
        self._fold.take(found.rows[self._fold.rows :])
        self._calls = StepCalls(self._fold.spans(instance), found.rows, found.steps)
        self._read = read
        if instance.status in TERMINAL:  # nothing follows, and of a long run it is much to keep
            self._fold = None
        return self._calls
