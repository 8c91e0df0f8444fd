"""The engines of the comparison: what to install, what each has no answer for, and where it is given less to do.

A smaller size keeps a slow engine within the time limit of a cell; the table says so beside the figure.
"""

import msgspec

NO_MEMORY = "nothing outlives the process"
REPLAYS = "each turn replays from the start: it grows with the square"


class Engine(msgspec.Struct, frozen=True, kw_only=True):
    """One column. Without a requirement it runs in this environment; with one, in its own."""

    name: str
    requirement: str | None = None
    sizes: dict[str, int] = {}
    absent: dict[str, str] = {}
    why_less: dict[str, str] = {}

    def size(self, work: str, full: int) -> int:
        """What it is given to do, where `full` is what wflab gets."""
        return min(self.sizes.get(work, full), full)


OURS = Engine(name="wflab")
ENGINES = {
    engine.name: engine
    for engine in (
        OURS,
        Engine(name="unhinged", requirement="unhinged==0.2.0", sizes={"sleepers": 5000}),
        Engine(name="dbos", requirement="dbos==3.4.0", sizes={"sleepers": 2000}),
        Engine(
            name="duroxide",
            requirement="duroxide==0.2.2",
            sizes={"many": 200, "long": 500, "sleepers": 1000},
            why_less={"long": REPLAYS},
        ),
        Engine(
            name="durabletask",
            requirement="durabletask==1.12.0",
            sizes={"long": 500, "sleepers": 1000},
            why_less={"long": REPLAYS, "sleepers": "each timer is a thread"},
            absent={"recovery": NO_MEMORY},
        ),
    )
}
