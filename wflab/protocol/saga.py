"""What the saga trace shows: steps, what undid each, and what is left. The twin is extension/src/protocol/saga.ts."""

from typing import Literal

import msgspec

from wflab.protocol.head import RunHead
from wflab.protocol.run import Payload


class SagaNode(msgspec.Struct, frozen=True, kw_only=True):
    """A step, or an undo: one call, or all of a fan-out.

    `state` is the saga's own word, `word` what people read, `look` the palette's state that it is drawn as; `is_doubtful` puts a question mark for
    its glyph. `order` says when it was undone. `cells` has a letter of the palette for each call, the same calls in the same order on both sides.
    `since` ticks while it is at work. `is_slight`: nothing was or will be called, it is a remark and no node.
    """

    name: str
    kind: str
    state: str
    word: str
    look: str
    caption: str = ""
    order: str = ""
    count: int = 1
    counts: dict[str, int] = {}
    cells: str = ""
    since: float | None = None
    span_id: str | None = None
    is_doubtful: bool = False
    is_slight: bool = False


class SagaRow(msgspec.Struct, frozen=True, kw_only=True):
    """One step beside its undo; in time mode only one of them. `y` and `height` are pixels below the head of the table.

    `comp` is the undo's state, `link` how it is known what undoes what, `token` what is carried across, `residual` what is left. A `fold` stands
    for `count` pairs that were done and undone without ado. `at` is in milliseconds after the run's start. Behind a `pivot` there is no way back.
    """

    id: str
    kind: Literal["pair", "group", "fold"]
    y: float
    height: float
    comp: str
    forward: SagaNode | None = None
    back: SagaNode | None = None
    link: str = ""
    token: str = ""
    residual: str = ""
    count: int = 1
    at: float | None = None
    is_pivot: bool = False


class SagaBridge(msgspec.Struct, frozen=True, kw_only=True):
    """The line from an undo to the step that it undoes."""

    row: str
    path: str
    look: str
    link: str


class SagaLayout(msgspec.Struct, frozen=True, kw_only=True):
    """Where the columns are (x, width) and how lines run, in pixels; `turn` is the path from what failed to the first undo, empty for none."""

    width: float
    forward: tuple[float, float]
    back: tuple[float, float]
    bridges: list[SagaBridge]
    turn: str


class SagaLadder(msgspec.Struct, frozen=True, kw_only=True):
    """Rows with their places, for a wide page and a narrow one. `shown` pairs of `total` are in it."""

    rows: list[SagaRow]
    height: float
    wide: SagaLayout
    narrow: SagaLayout
    shown: int
    total: int


class SagaResidual(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of a step, or was. `can` says which acts are offered, `act` what a person did last."""

    pair: str
    step: str
    undo: str
    text: str
    token: str
    needs_attention: bool
    can: list[str]
    act: str = ""


class SagaStory(msgspec.Struct, frozen=True, kw_only=True):
    """A whole saga, as it was or as it would be. `whole` is the ladder with nothing folded, None where nothing is folded."""

    word: str
    look: str
    sentence: str
    to_undo: int
    undone: int
    attention: int
    is_saga: bool
    is_inferred: bool
    ladder: SagaLadder
    whole: SagaLadder | None
    timed: SagaLadder
    residuals: list[SagaResidual]
    residuals_total: int
    others: list[str]


class SagaPicture(RunHead, frozen=True, kw_only=True):
    """The saga of one run. `failing` are the steps that a dry run can let fail, each by its place among the calls and its name."""

    view: Literal["saga"] = "saga"
    why: str
    story: SagaStory
    failing: list[tuple[int, str]]
    example: str


class SagaSide(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a pair, whole: `facts` are pairs of a label and a text."""

    title: str
    facts: list[tuple[str, str]]
    input: Payload | None = None
    output: Payload | None = None
    error: str = ""


class PairDetail(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `pair`: both sides, what is carried across, and what people did (when, who, what, why)."""

    title: str
    forward: SagaSide
    back: SagaSide
    acts: list[tuple[float, str, str, str]]


class SagaActed(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to an act: how many pairs it is for. Without the right `count` in the question it is a dry run, and nothing was done."""

    count: int
    pairs: list[str]
    done: bool
    told: str
