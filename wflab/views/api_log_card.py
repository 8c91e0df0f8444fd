"""The API log without a script: how many calls over time, a table of the newest ones; and text that is the same at every look."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from wflab.protocol.api_log import ApiCallRow, ApiLogPicture, CallGroup
from wflab.views.card import CELL, MUTED, image, safe
from wflab.views.inbox_card import FRAME
from wflab.views.palette import PALETTE
from wflab.views.svg import in_both_themes, printable, theme_rules

MOST_ROWS = 40
NOTHING = "No calls yet. lab.serve() opens the lab to Dapr's SDKs; lab.run_app() starts a program beside it."
NOT_YET = "No calls yet. Programs reach the lab at {served}."
NONE_HERE = "No call fits the filter."
LAB = "the lab"
_WIDTH, _HEIGHT = 620, 46
_SHORT = "white-space:nowrap"
_WRAPS = (_SHORT, _SHORT, _SHORT, "", "", _SHORT, _SHORT, "")
_HEADS = ("Time", "App", "API", "Method", "Target", "Status", "Took", "Error")


def api_log_html(picture: ApiLogPicture) -> str:
    """The log as one string of HTML."""
    sentence = sentence_of(picture)
    moment = datetime.fromtimestamp(picture.now / 1000, UTC)
    head = f'<div><b>API log</b>&nbsp; {safe(sentence)} <span style="{MUTED}">as of {moment:%Y-%m-%d %H:%M:%S} UTC</span></div>'
    body = "" if not picture.total else f"{_groups(picture.apis)}{_drawing(picture, sentence)}{_table(picture)}"
    return (
        f'<div data-wf-view="api_log" data-wf-mode="static" role="group" aria-label="{safe(sentence)}" style="{FRAME}">{head}{body}</div>'
    )


def api_log_text(picture: ApiLogPicture) -> str:
    """As lines of text without ids or times: how many calls of each app and API, and how many of them failed."""
    if not picture.total:
        return empty_text(picture)
    lines = [f"  {kind} {printable(group.name or LAB)}: {_counted(group.count, group.failed)}" for kind, group in _each(picture)]
    return "\n".join([f"{_counted(picture.total, picture.failed)}", *lines])


def sentence_of(picture: ApiLogPicture) -> str:
    """The whole in one sentence."""
    if not picture.total:
        return empty_text(picture)
    took = (
        ""
        if picture.p50 is None or picture.p95 is None
        else f", half took up to {took_text(picture.p50)}, 95% up to {took_text(picture.p95)}"
    )
    return f"{_counted(picture.total, picture.failed)}{took}."


def empty_text(picture: ApiLogPicture) -> str:
    """Why there is nothing to see, and what to do."""
    if picture.everything:
        return NONE_HERE
    return NOT_YET.format(served=picture.served) if picture.served else NOTHING


def took_text(ms: float | None) -> str:
    """A length of time with as many digits as it deserves."""
    if ms is None:
        return "–"
    return f"{ms / 1000:.3g} s" if ms >= 1000 else f"{ms:.0f} ms" if ms >= 10 else f"{ms:.1f} ms"  # noqa: PLR2004  # a second, and where a decimal says nothing


def _counted(count: int, failed: int) -> str:
    return f"{count:,} {'call' if count == 1 else 'calls'}, {f'{failed:,} failed' if failed else 'none failed'}"


def _each(picture: ApiLogPicture) -> list[tuple[str, CallGroup]]:
    return [*(("app", group) for group in picture.apps), *(("api", group) for group in picture.apis)]


def _groups(groups: Sequence[CallGroup]) -> str:
    told = " &nbsp; ".join(
        f"{safe(group.name or LAB)} <b>{group.count:,}</b>"
        + (f" <span style='{MUTED}'>{group.failed:,} failed</span>" if group.failed else "")
        for group in groups
    )
    return f'<div style="margin:6px 0">{told}</div>'


def _drawing(picture: ApiLogPicture, sentence: str) -> str:
    most = max((ok + failed for ok, failed in picture.bins), default=0) or 1
    step = _WIDTH / max(1, len(picture.bins))
    style = in_both_themes(
        lambda theme: (
            f"{theme_rules(theme)}.o{{fill:{PALETTE.state('COMPLETED').fill(theme)}}}.x{{fill:{PALETTE.state('FAILED').fill(theme)}}}"
        )
    )
    bars = []
    for place, (ok, failed) in enumerate(picture.bins):
        y = float(_HEIGHT)
        for kind, count in (("o", ok), ("x", failed)):
            if count:
                tall = max(1.5, count / most * (_HEIGHT - 4))
                y -= tall
                bars.append(f'<rect class="{kind}" x="{place * step + 0.5:.1f}" y="{y:.1f}" width="{step - 1:.1f}" height="{tall:.1f}"/>')
    size = f'width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    drawn = f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{style}</style>{"".join(bars)}</svg>'
    return image(drawn, printable(f"Calls over time. {sentence}"), "display:block;margin:6px 0;max-width:100%")


def _table(picture: ApiLogPicture) -> str:
    shown = picture.calls[:MOST_ROWS]
    head = "".join(f'<th scope="col" style="{CELL}">{name}</th>' for name in _HEADS)
    rows = "".join(
        "<tr>"
        + "".join(f'<td style="{CELL};{wraps}">{safe(cell)}</td>' for cell, wraps in zip(_cells(call), _WRAPS, strict=True))
        + "</tr>"
        for call in shown
    )
    cut = f", showing {len(shown)}" if picture.total > len(shown) else ""
    return (
        f'<details open style="margin:4px 0"><summary>Calls ({picture.total:,}{cut})</summary>'
        f'<table style="border-collapse:collapse;color:inherit;font-size:12px;margin:4px 0"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></details>'
    )


def _cells(call: ApiCallRow) -> tuple[str, ...]:
    moment = datetime.fromtimestamp(call.at / 1000, UTC)
    status = f"{call.status} ✕" if call.is_failed else call.status
    return (
        escape(f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"),
        call.app or LAB,
        call.api,
        call.method,
        call.target,
        status,
        took_text(call.took_ms),
        call.error,
    )
