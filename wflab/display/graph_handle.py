"""`run.graph()`: the execution graph, to display, to export, or as networkx and pandas have it."""

from typing import TYPE_CHECKING

import pandas as pd

from wflab.display.displays import Displays
from wflab.display.graph_source import GraphSource
from wflab.display.handle import ViewHandle
from wflab.views.graph_frames import digraph_of, groups_frame

if TYPE_CHECKING:
    import networkx as nx


class GraphHandle(ViewHandle):
    """The graph of one run."""

    source: GraphSource

    def __init__(self, displays: Displays, source: GraphSource) -> None:
        super().__init__(displays, source)

    def df(self) -> pd.DataFrame:
        """One row per group: what was called where, how often, how it stands, how long calls took; see `groups_frame`."""
        return groups_frame(self.source.picture())

    def networkx(self) -> "nx.DiGraph":
        """The groups as nodes and what led to what as edges, each with its figures as attributes; see `digraph_of`."""
        return digraph_of(self.source.picture())
