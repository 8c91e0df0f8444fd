"""`run.timeline()`: a run over time, to display, to export, or as a DataFrame."""

import pandas as pd

from wflab.analytics.span_frames import spans_frame
from wflab.display.displays import Displays
from wflab.display.handle import ViewHandle
from wflab.display.timeline_source import TimelineSource


class TimelineHandle(ViewHandle):
    """The timeline of one run."""

    source: TimelineSource

    def __init__(self, displays: Displays, source: TimelineSource) -> None:
        super().__init__(displays, source)

    def df(self) -> pd.DataFrame:
        """One row per span that it shows, children's and earlier generations' included; see `spans_frame`."""
        self.source.picture()
        return spans_frame(self.source.spans())

    @property
    def selection(self) -> pd.DataFrame:
        """The spans in the area that was marked last, with Shift and the mouse; the same columns as `df()`."""
        return self.source.selection
