"""`run.saga()`: what a run did and took back, to display, to have as a DataFrame, and to put right what is left."""

from typing import Any

import pandas as pd

from wfengine.model.payload import UNSET
from wflab.analytics.saga_frames import saga_frame
from wflab.analytics.saga_verdict import verdict_of
from wflab.display.displays import Displays
from wflab.display.handle import ViewHandle
from wflab.display.saga_source import SagaSource


class SagaHandle(ViewHandle):
    """The saga of one run.

    The acts take the name of an undo, of a step, or the `id` of a pair as in `df()`. Several of one name need `count=`, which says how many. Each is a
    row of `audit`, and is still known when the lab is opened again.
    """

    source: SagaSource

    def __init__(self, displays: Displays, source: SagaSource) -> None:
        super().__init__(displays, source)

    def df(self) -> pd.DataFrame:
        """One row per pair of a step and its undo; see `saga_frame`."""
        return saga_frame(self.source.trace())

    @property
    def verdict(self) -> str:
        """COMMITTED, GOING FORWARD, ROLLING BACK 1/3, ROLLED BACK, PARTIALLY ROLLED BACK - 1 needs attention, ROLLBACK FAILED."""
        return verdict_of(self.source.trace()).word

    def retry(self, name: str, *, input: Any = UNSET, count: int | None = None) -> str | list[str]:
        """Call an undo that failed once more: same activity, same input, same idempotency key, in a run of its own, whose id this gives.

        `input` replaces what it is given, and is needed where the undo was never asked for. The saga's own run stays as it ended.
        """
        runs = self.source.act("retry", name, count=count, input=None if input is UNSET else [input], where="saga")
        return runs[0] if count is None else runs

    def skip(self, name: str, *, reason: str, count: int | None = None) -> None:
        """Leave the step's effect as it is, and say why. It needs no attention any more; the verdict stays PARTIALLY ROLLED BACK."""
        self.source.act("skip", name, why=reason, count=count, where="saga")

    def resolve(self, name: str, *, note: str, count: int | None = None) -> None:
        """Say that the effect was taken back by other means, and how. It counts as undone."""
        self.source.act("resolve", name, why=note, count=count, where="saga")
