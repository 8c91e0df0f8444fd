"""The wire between a lab and JupyterLab's extension: sidebar, status bar, inspector, views beside the notebook.

The kernel says hello with a comm on `wflab:hello`, which stays open so that a page that was loaded anew finds it; the page answers by opening a
comm on `wflab`, and all messages (protocol/lab.py) go over that one. What a page says may arrive twice and on any thread, so it is only
handed on here; everything is sent by the publisher's one thread, at most four times a second and only when something changed.
"""

import logging
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

import msgspec
import pandas as pd
from comm import create_comm, get_comm_manager

from wfengine.errors import WflabError
from wfengine.model.instance import Instance
from wflab.answers import plain_answer
from wflab.display.source import Source, TellsOfChanges, pause_of, reply_of
from wflab.focused import focused
from wflab.lab import Lab
from wflab.options import options
from wflab.overview import overview
from wflab.protocol import Act, Focus, FromPage, Notice, Reply, Request, SetFocus, read_from_page
from wflab.protocol import lab as messages
from wflab.views.bundles import snapshot_of
from wflab.views.listening import kernel_listens
from wflab.views.publisher import Publisher
from wflab.views.widget import listen_everywhere

HELLO = "wflab:hello"
TARGET = "wflab"
_OVERVIEW = "overview"
_REMEMBERED_TOKENS = 256
_log = logging.getLogger(__name__)


class LabComm:
    """Announces `lab` to every page and answers them; `close` ends that."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab  # however it is closed, the pages are told
        self._is_closed = False
        self._publisher = Publisher()
        self._pages: dict[str, _Page] = {}
        self._everybody = _ToAll(self._pages)
        self._publisher.attach(_OVERVIEW, self._everybody, self._overview)
        get_comm_manager().register_target(TARGET, self._opened)
        self._hello = create_comm(target_name=HELLO, data={"lab": lab.path.name})
        self._forget = [lab.engine.listen(self._changed), lab.focus.listen(self._moved), options.listen(lambda: self._changed([]))]
        lab.when_closed(self.close)

    def close(self) -> None:
        """Say goodbye to every page. Safe to call twice."""
        if self._is_closed:
            return
        self._is_closed = True
        for forget in self._forget:
            forget()
        get_comm_manager().unregister_target(TARGET, self._opened)
        self._publisher.close()
        if kernel_listens():
            for page in list(self._pages.values()):
                page.comm.close()
            self._hello.close()
        self._pages.clear()

    # What pages say, on any thread.

    def _opened(self, comm: Any, opening: dict[str, Any]) -> None:
        said = opening["content"]["data"]
        page_id = str(said.get("page", comm.comm_id)) if isinstance(said, dict) else str(comm.comm_id)
        page = _Page(page_id, comm)
        left = self._pages.get(page_id)
        if left is not None:  # it was loaded anew, and could not say goodbye
            self._closed(left)
        self._pages[page_id] = page
        comm.on_msg(lambda message: self._receive(page, _content(message)))
        comm.on_close(lambda _: self._closed(page))
        listen_everywhere(comm, partial(self._receive, page))
        self._lab.displays.has_extension = True
        self._publisher.post(_OVERVIEW, self._everybody.forget)
        self._moved(self._lab.focus.value)

    def _closed(self, page: "_Page") -> None:
        if self._pages.get(page.id) is page:
            del self._pages[page.id]
        for view_id in list(page.views):
            self._close_view(page, view_id)

    def _receive(self, page: "_Page", content: object) -> None:
        match messages.read_from_page(content):
            case Act() as act if page.is_new(act.token):
                self._publisher.post(_OVERVIEW, lambda: self._answer(act, partial(self._tell, page)))
            case SetFocus(focus=focus):
                self._lab.focus.move(focus)
            case messages.SetTheme(theme=theme):
                self._lab.displays.theme = theme
            case messages.OpenView() as wanted if page.is_new(wanted.id):
                self._publisher.post(_OVERVIEW, partial(self._open_view, page, wanted))
            case messages.CloseView(id=view_id):
                self._publisher.post(_OVERVIEW, partial(self._close_view, page, view_id))
            case messages.FromView(id=view_id, message=said) if view_id in page.views:
                self._hear_view(page, view_id, read_from_page(said))
            case _:  # a repetition, or a newer page's message
                pass

    def _hear_view(self, page: "_Page", view_id: str, said: FromPage | None) -> None:
        """What a view says that is open beside the notebook; it is seen as long as it is open, and the page turns to another one by itself."""
        source = page.views[view_id]
        match said:
            case Act() as act if page.is_new(act.token):
                to = msgspec.structs.replace(act, instance_id=act.instance_id or source.instance_id)
                self._publisher.post(_OVERVIEW, lambda: self._answer(to, lambda notice: self._tell_view(page, view_id, notice)))
            case Request() as request if page.is_new(request.id):
                self._publisher.post(page.key(view_id), lambda: self._say(page, view_id, reply_of(source, request)))
            case SetFocus(focus=focus):
                self._lab.focus.move(focus)
            case _:
                pass

    # What the lab tells.

    def _changed(self, instances: list[Instance]) -> None:
        """Called on the engine's thread; no instances means that the engine's own state changed."""
        if not self._pages:
            return
        changed = {instance.instance_id for instance in instances}
        self._publisher.touch(_OVERVIEW)
        for page in list(self._pages.values()):
            for view_id, source in list(page.views.items()):
                if not changed or source.concerns(changed):
                    self._publisher.touch(page.key(view_id))

    def _moved(self, _: Focus | None) -> None:
        if self._pages:
            self._publisher.post(_OVERVIEW, lambda: self._everybody.send(self._focused()))

    def _tell(self, page: "_Page", notice: Notice) -> None:
        self._publisher.post(_OVERVIEW, lambda: page.send(notice))

    def _tell_view(self, page: "_Page", view_id: str, notice: Notice) -> None:
        self._publisher.post(_OVERVIEW, lambda: self._say(page, view_id, notice))

    # On the publisher's thread.

    @staticmethod
    def _say(page: "_Page", view_id: str, said: Notice | Reply) -> None:
        message: dict[str, Any] = msgspec.to_builtins(said)  # bytes as text, as in a snapshot
        page.send(messages.ToView(id=view_id, message=message))

    def _overview(self) -> messages.Overview:
        """While the record cannot be read (a full disk), the last that was, with the reason."""
        try:
            return overview(self._lab.engine)
        except WflabError as error:
            last = self._everybody.last
            blank = messages.Overview(
                lab=self._lab.path.name, now=0, ticks=False, runs=[], runs_total=0, counts={}, approvals=[], approvals_total=0, stuck=0
            )
            return msgspec.structs.replace(last if isinstance(last, messages.Overview) else blank, trouble=str(error))

    def _focused(self) -> messages.Focused:
        focus = self._lab.focus.value
        try:
            rows = self._lab.focus.df()
            source = None if focus is None else self._lab.get(focus.instance_id).source()
        except WflabError:  # purged, or nothing can be read now: what is left is told
            rows, source = pd.DataFrame(), None
        return focused(self._lab.engine, focus, rows, source)

    def _answer(self, act: Act, told: Callable[[Notice], None]) -> None:
        """Approve and Reject say yes or no; where a schema was declared, in its terms."""
        known = self._everybody.last.approvals if isinstance(self._everybody.last, messages.Overview) else []
        schema = next((one.schema for one in known if (one.instance_id, one.wait_id) == (act.instance_id, act.wait_id)), None)
        data = plain_answer(schema, is_yes=act.data) if isinstance(act.data, bool) else act.data
        self._lab.decisions.answer(msgspec.structs.replace(act, data=data), act.instance_id or "", "sidebar", told)

    def _open_view(self, page: "_Page", wanted: messages.OpenView) -> None:
        try:
            source = self._source(wanted)
        except Exception as error:  # noqa: BLE001  # whatever it is, the page is told and goes on
            page.send(messages.ShowView(id=wanted.id, error=str(error) or type(error).__name__))
            return
        page.views[wanted.id] = source
        if isinstance(source, TellsOfChanges):
            page.unheard[wanted.id] = source.listen(partial(self._publisher.touch, page.key(wanted.id)))
        self._publisher.attach(page.key(wanted.id), _ToOne(page), lambda: _shown(wanted.id, source), pause_s=pause_of(source))

    def _source(self, wanted: messages.OpenView) -> Source:
        if wanted.view in {"inbox", "dashboard", "recipes", "api_log"}:  # of the whole lab
            return self._lab.source(wanted.view, "")
        return self._lab.source(wanted.view, self._lab.get(wanted.instance_id or "last").id)

    def _close_view(self, page: "_Page", view_id: str) -> None:
        page.views.pop(view_id, None)
        unheard = page.unheard.pop(view_id, None)
        if unheard is not None:
            unheard()
        self._publisher.detach(page.key(view_id))


class _Page:
    """One page of a browser. `views` are those that it has open, by its own ids."""

    def __init__(self, identity: str, comm: Any) -> None:
        self.id = identity
        self.comm = comm
        self.views: dict[str, Source] = {}
        self.unheard: dict[str, Callable[[], None]] = {}
        self._tokens: dict[str, object] = {}

    def key(self, view_id: str) -> Hashable:
        return (self.id, view_id)

    def is_new(self, token: str) -> bool:
        """Whether this was not heard before: each message may come twice, one after the other or at once."""
        if len(self._tokens) > _REMEMBERED_TOKENS:
            self._tokens.pop(next(iter(self._tokens)), None)
        mine = object()
        return self._tokens.setdefault(token, mine) is mine  # one step of the interpreter: needs no lock

    def send(self, message: messages.ToPage) -> None:
        self.comm.send(messages.as_data(message))


class _Receiver:
    """What the publisher writes to: messages instead of pictures, each of which is sent if it says something new."""

    @property
    def is_seen(self) -> bool:
        return True

    def __init__(self) -> None:
        self.last: messages.ToPage | None = None

    def send(self, message: messages.ToPage) -> None:
        raise NotImplementedError

    def forget(self) -> None:
        """Send the next one in any case: somebody has come who saw none."""
        self.last = None

    def show(self, message: messages.ToPage) -> bool:
        if self.last is not None and _but_for_clock(message) == _but_for_clock(self.last):
            return False
        self.last = message
        self.send(message)
        return True

    def tell(self, message: Any) -> None:
        self.send(message)

    def part(self) -> None:
        """The comm's own end says it to the page."""

    def _repr_mimebundle_(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {}, {}

    def close(self) -> None:
        pass


class _ToAll(_Receiver):
    def __init__(self, pages: dict[str, _Page]) -> None:
        super().__init__()
        self._pages = pages

    @property
    def is_seen(self) -> bool:
        return bool(self._pages)

    def send(self, message: messages.ToPage) -> None:
        for page in list(self._pages.values()):
            page.send(message)


class _ToOne(_Receiver):
    def __init__(self, page: _Page) -> None:
        super().__init__()
        self._page = page

    def send(self, message: messages.ToPage) -> None:
        self._page.send(message)


def _content(message: dict[str, Any]) -> object:
    data = message["content"]["data"]
    return data.get("content") if isinstance(data, dict) else None


def _shown(view_id: str, source: Source) -> messages.ShowView:
    try:
        return messages.ShowView(id=view_id, snapshot=snapshot_of(source.picture()))
    except Exception as error:  # noqa: BLE001  # a run that was purged, a record that cannot be read: the page is told
        _log.debug("no picture", exc_info=True)
        return messages.ShowView(id=view_id, error=str(error) or type(error).__name__)


def _but_for_clock(message: messages.ToPage) -> object:
    """What a page would show of it; where the clock runs by itself, the page's own goes on too."""
    match message:
        case messages.Overview(ticks=True):
            return msgspec.structs.replace(message, now=0)
        case messages.ShowView(snapshot={"picture": {"ticks": True, **rest}}):
            return {**rest, "now": 0}
        case _:
            return message
