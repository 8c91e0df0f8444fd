"""The gallery without a script: for each recipe a picture and what to know of it, a table of all, and text that is the same at every run."""

from html import escape

from wflab import protocol
from wflab.recipes.recipe import in_words
from wflab.views.card import CELL, MUTED, image, safe
from wflab.views.svg import printable

_FRAME = (
    "border:1px solid var(--jp-border-color2,#d0d7de);border-radius:6px;background:var(--jp-layout-color1,transparent);padding:10px 12px;"
    "font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:13px;line-height:1.4;color:var(--jp-ui-font-color1,#1f2328)"
)
_CARD = "border-top:1px solid var(--jp-border-color2,#d0d7de);margin:10px 0 0;padding:8px 0 0"
_CODE = "font-size:12px;margin:4px 0;padding:8px;overflow-x:auto;background:rgba(128,128,128,.12);color:inherit;border-radius:4px"
_VERDICTS = {"pass": "\u2713 pass", "fail": "\u2715 fail", "pending": "\u25cb not run yet"}


def recipes_html(picture: protocol.RecipesPicture) -> str:
    """The gallery as one string of HTML."""
    sentence = sentence_of(picture)
    trials = {trial.recipe: trial for trial in picture.trials}
    cards = "".join(_card(card, trials.get(card.id)) for card in picture.recipes)
    return (
        f'<div data-wf-view="recipes" data-wf-mode="static" role="group" aria-label="{safe(sentence)}" style="{_FRAME}">'
        f"<div><b>Recipes</b>&nbsp; {safe(sentence)}</div>{cards}{_table(picture, trials)}</div>"
    )


def recipes_text(picture: protocol.RecipesPicture) -> str:
    """As lines of text without ids or times."""
    width = max((len(card.id) for card in picture.recipes), default=0)
    lines = [
        f"  {card.id:<{width}}  {printable(card.title)}: {printable(card.use_when)}{_verdict(card, picture)}" for card in picture.recipes
    ]
    return "\n".join([sentence_of(picture), *lines, "%wf recipe NAME --insert puts the code of one into a cell."])


def sentence_of(picture: protocol.RecipesPicture) -> str:
    """The whole in one sentence."""
    count = len(picture.recipes)
    own = sum(card.origin != "wflab" for card in picture.recipes)
    return f"{count} recipe{'' if count == 1 else 's'} to run and to put into a cell{f', {own} of your own' if own else ''}."


def _verdict(card: protocol.RecipeCard, picture: protocol.RecipesPicture) -> str:
    trial = next((trial for trial in picture.trials if trial.recipe == card.id and trial.is_over), None)
    if trial is None:
        return " (experimental)" if card.experimental else ""
    held = sum(one.verdict == "pass" for one in trial.statements)
    return f" [{trial.status}, {held} of {len(trial.statements)} statements hold]"


def _card(card: protocol.RecipeCard, trial: protocol.RecipeTrial | None) -> str:
    size = f"width:{card.width:g}px;height:auto;max-width:100%;margin:6px 0;display:block"
    drawn = image(card.svg, f"{card.title}: {card.sentence}", size) if card.svg else f'<div style="{MUTED}">{safe(card.sentence)}</div>'
    facts = f"{card.level} · under {card.seconds:g} s · {', '.join(card.verbs)}"
    strange = f"<div><b>experimental</b>: {safe(card.experimental)}</div>" if card.experimental else ""
    return (
        f'<div data-wf-recipe="{safe(card.id)}" style="{_CARD}"><b>{safe(card.title)}</b> <code style="background:none;padding:0">{safe(card.id)}</code>'
        f'&nbsp; <span style="{MUTED}">{safe(facts)}</span>{strange}'
        f"<div>Use when: {safe(card.use_when)}</div><div>Not when: {safe(card.not_when)}</div>{drawn}"
        f"{_evidence(trial) if trial else ''}"
        f'<details style="margin:4px 0"><summary>Code of {safe(card.title)}</summary><pre tabindex="0" style="{_CODE}">{safe(card.code)}</pre></details></div>'
    )


def _evidence(trial: protocol.RecipeTrial) -> str:
    knobs = trial.knobs
    rows = "".join(
        f"<li>{_VERDICTS[one.verdict]}: {safe(in_words(one.text, knobs))}{f' ({safe(one.found)})' if one.found else ''}</li>"
        for one in trial.statements
    )
    error = f"<div>{safe(trial.error)}</div>" if trial.error else ""
    return f'<div>Last run: {escape(trial.status)}{error}<ul style="margin:2px 0 6px 18px;padding:0">{rows}</ul></div>'


def _table(picture: protocol.RecipesPicture, trials: dict[str, protocol.RecipeTrial]) -> str:
    heads = "".join(f'<th style="{CELL}">{head}</th>' for head in ("Recipe", "Name", "Pattern", "Level", "Knobs", "Ends", "Last run"))
    rows = ""
    for card in picture.recipes:
        knobs = ", ".join(f"{knob.name} = {knob.default!r}" for knob in card.knobs)
        last = trials[card.id].status if card.id in trials else ""
        cells = (card.title, card.id, card.pattern, card.level, knobs, card.ends, last)
        rows += "<tr>" + "".join(f'<td style="{CELL}">{safe(cell)}</td>' for cell in cells) + "</tr>"
    return (
        f'<details style="margin:8px 0 0"><summary>All recipes ({len(picture.recipes)})</summary>'
        f'<table style="border-collapse:collapse;color:inherit;font-size:12px;margin:4px 0"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></details>'
    )
