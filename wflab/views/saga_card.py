"""The saga without a script: HTML that survives Jupyter's sanitiser and nbconvert, and text that is the same at every run."""

from html import escape

from wflab.protocol.saga import SagaNode, SagaPicture, SagaRow, SagaStory
from wflab.views.card import CELL, MUTED, framed, header, image, safe, scrolling
from wflab.views.palette import PALETTE
from wflab.views.saga_svg import MOST_ROWS, size_of, svg_saga
from wflab.views.svg import TIMES, printable

MOST_TABLE_ROWS = 60
_MOST_SPOKEN = 12


def saga_html(picture: SagaPicture) -> str:
    """The display as one string of HTML."""
    story = picture.story
    verdict = f'<div style="margin:6px 0 2px"><b>{safe(story.word)}</b>&nbsp; <span style="{MUTED}">{safe(story.sentence)}</span></div>'
    if not story.is_saga:
        example = f'<pre style="margin:4px 0;font-size:12px;background:none;color:inherit">{safe(picture.example)}</pre>'
        return framed("saga", picture, sentence_of(picture), [header(picture), verdict, example, _image(picture), _table(story)])
    left = "".join(f'<li style="margin:0">{safe(one.text)}{_with(one.token)}</li>' for one in story.residuals)
    residual = f'<div style="margin:4px 0"><b>Residual effects: {story.residuals_total:,}</b><ul style="margin:2px 0 2px 18px;padding:0">{left}</ul></div>'
    parts = [header(picture), verdict, _image(picture), residual if story.residuals else "", _table(story)]
    return framed("saga", picture, sentence_of(picture), parts)


def saga_text(picture: SagaPicture) -> str:
    """The display as lines of text without ids or times."""
    story = picture.story
    if not story.is_saga:
        return "\n".join([f"{printable(picture.name)} {picture.status}: {story.sentence} For example:", "", picture.example])
    rows = story.ladder.rows[:MOST_TABLE_ROWS]
    names = [_title(row.forward) if row.forward else f"{row.count:,} clean pairs" for row in rows]
    width = max(map(len, names), default=0)
    lines = [f"  {name:<{width}}  {_standing(row)}" for name, row in zip(names, rows, strict=True)]
    more = story.ladder.total - sum(row.count for row in rows)
    lines += [f"  ... {more:,} more pairs"] if more > 0 else []
    lines += [f"  left: {printable(one.text)}" for one in story.residuals]
    return "\n".join([f"{printable(picture.name)} {picture.status}: {story.word}", *lines])


def sentence_of(picture: SagaPicture) -> str:
    """The whole in one sentence."""
    story = picture.story
    if not story.is_saga:
        return printable(f"Saga of {picture.name}: {story.sentence}")
    told = "; ".join(_spoken(row) for row in story.ladder.rows[:_MOST_SPOKEN])
    more = f"; and {len(story.ladder.rows) - _MOST_SPOKEN} more rows" if len(story.ladder.rows) > _MOST_SPOKEN else ""
    return printable(f"Saga of {picture.name}, {story.word}: {story.sentence} {told}{more}.")


def _title(node: SagaNode) -> str:
    return f"{printable(node.name)} x{node.count}" if node.count > 1 else printable(node.name)


def _standing(row: SagaRow) -> str:
    if row.forward is None or row.back is None:
        return "committed and undone"
    order = f" ({row.back.order})" if row.back.order else ""
    forward, back = row.forward, row.back
    if row.kind == "group":
        return f"{printable(forward.caption)} <- {printable(back.name)} {printable(back.caption)}"
    undo = f"{printable(back.name)} {back.word}{order}" if back.name else back.word
    return f"{forward.word} <- {undo}"


def _spoken(row: SagaRow) -> str:
    return f"{row.count} clean pairs" if row.forward is None else f"{_title(row.forward)} {_standing(row).replace('<-', ',')}"


def _image(picture: SagaPicture) -> str:
    width, height = size_of(picture)
    size = f"width:{width:g}px;height:{height:g}px;max-width:none;margin:0;display:block"
    cut = len(picture.story.ladder.rows) - MOST_ROWS
    note = f'<div style="{MUTED}">showing {MOST_ROWS} of {len(picture.story.ladder.rows):,} rows</div>' if cut > 0 else ""
    return scrolling("Saga", image(svg_saga(picture), sentence_of(picture), size)) + note


def _with(token: str) -> str:
    return f' <code style="padding:0;background:none;color:inherit">{safe(token)}</code>' if token else ""


def _table(story: SagaStory) -> str:
    rows = story.ladder.rows[:MOST_TABLE_ROWS]
    heads = "".join(
        f'<th scope="col" style="{CELL}">{head}</th>' for head in ("Step", "State", "Undo", "State", "Order", "Carried", "Residual")
    )
    body = "".join(_line(row) for row in rows)
    cut = f", showing {sum(row.count for row in rows):,}" if story.ladder.total > sum(row.count for row in rows) else ""
    return (
        f'<details style="margin:4px 0"><summary>Pairs ({story.ladder.total:,}{cut})</summary>'
        f'<table style="border-collapse:collapse;color:inherit;font-size:12px;margin:4px 0"><caption style="{MUTED};text-align:left">{safe(story.sentence)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></details>"
    )


def _line(row: SagaRow) -> str:
    if row.forward is None or row.back is None:
        cells: tuple[str, ...] = (f"{row.count:,} clean pairs", "committed", "", "undone", "", "", "")
    else:
        forward, back = row.forward, row.back
        name = f"{safe(forward.name)} {TIMES}{forward.count:,}" if forward.count > 1 else safe(forward.name)
        cells = (name, _state(forward), safe(back.name), _state(back), escape(back.order), safe(row.token), safe(row.residual))
    return "<tr>" + "".join(f'<td style="{CELL}">{cell}</td>' for cell in cells) + "</tr>"


def _state(node: SagaNode) -> str:
    glyph = "?" if node.is_doubtful else PALETTE.state(node.look).glyph
    told = f"{node.word} · {node.caption}" if node.caption and node.count == 1 else node.caption or node.word
    return f"{glyph}\ufe0e {safe(told)}"
