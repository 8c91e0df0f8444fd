"""What a notebook keeps of a view: the snapshot that the JupyterLab extension draws with the view's own code, HTML for everywhere else, and text."""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from wflab import protocol
from wflab.views.api_log_card import api_log_html, api_log_text
from wflab.views.api_log_picture import cut as cut_api_log
from wflab.views.card import html_card, text_card
from wflab.views.dashboard_card import dashboard_html, dashboard_text
from wflab.views.dashboard_picture import cut as cut_dashboard
from wflab.views.graph_card import cut, html_graph, text_graph
from wflab.views.inbox_card import inbox_html, inbox_text
from wflab.views.inbox_picture import cut as cut_inbox
from wflab.views.palette import PALETTE
from wflab.views.recipes_card import recipes_html, recipes_text
from wflab.views.recipes_picture import cut as cut_recipes
from wflab.views.replay_card import replay_html, replay_text
from wflab.views.replay_picture import cut as cut_replay
from wflab.views.saga_card import saga_html, saga_text
from wflab.views.saga_picture import cut as cut_saga
from wflab.views.timeline_card import timeline_html, timeline_text
from wflab.views.timeline_picture import cut as cut_timeline

MIME = "application/vnd.wflab.view+json"
VERSION = 1


class Saved(NamedTuple):
    """How one kind of picture is saved: as HTML, as text, and cut to what a notebook may hold."""

    html: Callable[[Any], str]
    text: Callable[[Any], str]
    cut: Callable[[Any], Any] = lambda picture: picture


_HOW: dict[type, Saved] = {
    protocol.Picture: Saved(html_card, text_card),
    protocol.InboxPicture: Saved(inbox_html, inbox_text, cut_inbox),
    protocol.ApiLogPicture: Saved(api_log_html, api_log_text, cut_api_log),
    protocol.DashboardPicture: Saved(dashboard_html, dashboard_text, cut_dashboard),
    protocol.GraphPicture: Saved(html_graph, text_graph, cut),
    protocol.SagaPicture: Saved(saga_html, saga_text, cut_saga),
    protocol.ReplayPicture: Saved(replay_html, replay_text, cut_replay),
    protocol.RecipesPicture: Saved(recipes_html, recipes_text, cut_recipes),
    protocol.TimelinePicture: Saved(timeline_html, timeline_text, cut_timeline),
}


def bundle_of(picture: Any) -> dict[str, Any]:
    """The MIME bundle of a picture: nothing in it needs a kernel. The same picture gives the same bundle."""
    how = _HOW[type(picture)]
    return {MIME: snapshot_of(picture), "text/html": how.html(picture), "text/plain": how.text(picture)}


def snapshot_of(picture: Any) -> dict[str, Any]:
    """The picture as JSON that stands alone, with the colours that a user put in place of ours; bytes are base64 text."""
    own = {"palette": {state: list(colours) for state, colours in PALETTE.changed.items()}} if PALETTE.changed else {}
    return {"view": picture.view, "version": VERSION, **own, "picture": msgspec.to_builtins(_HOW[type(picture)].cut(picture))}
