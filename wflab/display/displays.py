"""All live views of a lab: widgets that follow the engine, and what a notebook keeps of them.

The engine's listener only touches the publisher; the publisher's thread makes the pictures and answers pages. A click is handed on
on whatever thread it arrives, without waiting.
"""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from IPython.display import display

from wfengine.model.instance import Instance
from wfengine.runtime.engine import Engine
from wflab import protocol
from wflab.decisions import Decisions
from wflab.display.source import Source, TellsOfChanges, pause_of, reply_of
from wflab.display.still import Early, Still, still_of
from wflab.focus import LabFocus
from wflab.options import options
from wflab.views.bundles import bundle_of
from wflab.views.palette import Theme
from wflab.views.publisher import STORE_PAUSE_S, DisplayHandle, Publisher
from wflab.views.widget import ViewWidget

_EARLY_KEPT = 32


class Displays:
    """`decisions` takes answers to waits; `sources` makes the source of a run's view of a name."""

    def __init__(
        self,
        engine: Engine,
        decisions: Decisions,
        focus: LabFocus,
        sources: Callable[[protocol.ViewName, str], Source],
    ) -> None:
        self.publisher = Publisher()
        self._engine = engine
        self._decisions = decisions
        self._focus = focus
        self._sources = sources
        self._live: dict[ViewWidget, Source] = {}
        self._unheard: dict[ViewWidget, Callable[[], None]] = {}
        self._stills: dict[ViewWidget, Still] = {}
        self._early: dict[Early, Source] = {}
        self._forget = [engine.listen(self._changed), focus.listen(self._moved), options.listen(self._repaint)]
        self.theme: Theme = "light"
        self.has_extension = False

    @property
    def has_extension(self) -> bool:
        """Whether a page draws snapshots: then a notebook's stored output may hold a live view and is kept up to date."""
        return self.publisher.keeps_stored

    @has_extension.setter
    def has_extension(self, value: bool) -> None:
        self.publisher.keeps_stored = value
        if value:
            for early in list(self._early):
                self.publisher.post(early, partial(self._enliven, early))

    def show(self, source: Source) -> None:
        """Display a view in the cell that runs now."""
        picture = source.picture()
        is_still = picture.is_over and source.freezes
        if is_still or options.display.mode == "static" or os.environ.get("WFLAB_STATIC"):
            display(bundle_of(picture), raw=True)
            return
        if picture.is_over and not self.has_extension:
            self._keep_early(source, display(bundle_of(picture), raw=True, display_id=True))
            return
        view = self._widget(picture)
        data, metadata = view._repr_mimebundle_()
        self._follow(source, view, display(data, metadata=metadata, raw=True, display_id=True))
        if options.display.mode == "both" and not self.has_extension:
            self._stand_beside(view, source, Still(display(still_of(picture), raw=True, display_id=True)))

    def freeze(self, source: Source) -> None:
        """Put the still form in place of every view of this source."""
        for view, shown in list(self._live.items()):
            if shown is source:
                self._freeze(view)
        for early, shown in list(self._early.items()):
            if shown is source:
                self._forget_early(early)

    def look_at(self, instance_id: str) -> None:
        """Draw the views of this run anew: something about it is known that is no event of its own."""
        for view, source in list(self._live.items()):
            if source.concerns({instance_id}):
                self.publisher.touch(view)

    def close(self) -> None:
        """Let go of all views as they are; they say that nothing more will come."""
        for forget in self._forget:
            forget()
        for view in list(self._live):
            self._let_go(view)
        self.publisher.close()

    def _widget(self, picture: Any) -> ViewWidget:
        view: ViewWidget = ViewWidget(picture, lambda message: self._hear(view, message))
        return view

    def _follow(self, source: Source, view: ViewWidget, handle: DisplayHandle) -> None:
        self._live[view] = source
        if isinstance(source, TellsOfChanges):
            self._unheard[view] = source.listen(partial(self.publisher.touch, view))
        self.publisher.attach(view, view, source.picture, display=handle, pause_s=pause_of(source))
        if source.instance_id is not None and not view.picture.is_over:
            ended = self._engine.when_finished(source.instance_id)
            ended.add_done_callback(lambda _: self._end(view, source, handle))

    def _stand_beside(self, view: ViewWidget, source: Source, still: Still) -> None:
        self._stills[view] = still
        self.publisher.attach(still, still, source.picture, display=still, pause_s=STORE_PAUSE_S)

    def _end(self, view: ViewWidget, source: Source, handle: DisplayHandle) -> None:
        """Its run is over: the static form takes the view's place, or at least the place in the notebook."""
        if view not in self._live:
            return
        if source.freezes:
            self._freeze(view)
        elif self.has_extension:
            self.publisher.finish(view)
        else:
            self._freeze(view)
            self._keep_early(source, handle)

    def _keep_early(self, source: Source, handle: DisplayHandle) -> None:
        """A still form stands there because no page has said yet that it has the extension: as while a whole notebook runs, cell after cell."""
        early = Early(handle)
        self._early[early] = source
        self.publisher.attach(early, early, lambda: None)
        for oldest in list(self._early)[:-_EARLY_KEPT]:  # a front end without the extension never says so
            self._forget_early(oldest)
        if self.has_extension:  # said a moment ago
            self.publisher.post(early, partial(self._enliven, early))

    def _enliven(self, early: Early) -> None:
        """The live view takes the place of a still one that came too early. On the publisher's thread."""
        source = self._forget_early(early)
        if source is not None:
            self._put(source, early.handle)

    def _forget_early(self, early: Early) -> Source | None:
        self.publisher.detach(early)
        return self._early.pop(early, None)

    def _put(self, source: Source, handle: DisplayHandle) -> ViewWidget:
        """A live view takes the place of what is displayed there."""
        view = self._widget(source.picture())
        data, metadata = view._repr_mimebundle_()
        handle.update(data, metadata=metadata, raw=True)
        self._follow(source, view, handle)
        return view

    def _freeze(self, view: ViewWidget) -> None:
        self._let_go(view)
        self.publisher.freeze(view)
        still = self._stills.pop(view, None)
        if still is not None:
            self.publisher.freeze(still)

    def _repaint(self) -> None:
        """The palette is another one."""
        for view in list(self._live):
            view.repaint()
            self._touch(view)

    def _touch(self, view: ViewWidget) -> None:
        self.publisher.touch(view)
        still = self._stills.get(view)
        if still is not None:
            self.publisher.touch(still)

    def _changed(self, instances: list[Instance]) -> None:
        """Called on the engine's thread; no instances means that the engine's own state changed."""
        changed = {instance.instance_id for instance in instances}
        for view, source in list(self._live.items()):
            if not changed or source.concerns(changed):
                self._touch(view)

    def _moved(self, focus: protocol.Focus | None) -> None:
        for view in list(self._live):
            self.publisher.tell(view, protocol.FocusMoved(focus=focus))

    def _hear(self, view: ViewWidget, message: protocol.FromPage) -> None:
        """What a page says, on any thread."""
        if isinstance(message, protocol.Ready):
            self.theme = message.theme
        source = self._live.get(view)
        if source is None:
            return
        match message:
            case protocol.Act():
                where = "inbox" if source.instance_id is None else "display"
                self._decisions.answer(message, message.instance_id or source.instance_id or "", where, partial(self.publisher.tell, view))
            case protocol.Request():
                self.publisher.post(view, lambda: view.tell(reply_of(source, message)))
            case protocol.SetFocus(focus=focus):
                self._focus.move(focus)
            case protocol.Switch(view=name) if (instance_id := message.instance_id or source.instance_id) is not None:
                self.publisher.post(view, lambda: self._switch(view, name, instance_id))
            case _:  # what is seen has changed: there may be something to show now
                self.publisher.touch(view)

    def _switch(self, view: ViewWidget, name: protocol.ViewName, instance_id: str) -> None:
        """Another view, of the same run or of the one that was asked for, takes this one's place in the notebook."""
        handle = self.publisher.detach(view)
        self._let_go(view)
        source = self._sources(name, instance_id)
        other = None if handle is None else self._put(source, handle)
        still = self._stills.pop(view, None)
        if still is not None:
            self.publisher.detach(still)
            if other is not None:
                self._stand_beside(other, source, still)
        view.close()

    def _let_go(self, view: ViewWidget) -> None:
        self._live.pop(view, None)
        unheard = self._unheard.pop(view, None)
        if unheard is not None:
            unheard()
