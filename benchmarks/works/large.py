"""A file with millions of events: how long it takes to open it, to read one history out of it, and to sum it up.

The events are made by SQL, as a hundred instances at a time would have written them: chains of activities, all of them ended.
"""

import random
import statistics
import time
from importlib import resources

from benchmarks.bench import Bench
from benchmarks.measuring import Figures, Goal, Work
from benchmarks.works.steps import add_one, chain
from wfengine.runtime.engine import Engine
from wfengine.store import opening
from wfengine.store.store import Store

EVENTS_EACH = 100  # ExecutionStarted, 49 times TaskScheduled and TaskCompleted, ExecutionCompleted
CHUNK = 20_000  # instances for one statement
FULL_SIZE = 10_000_000
LOOKS = 50


def measure(bench: Bench) -> Figures:
    """Seconds until the engine runs; then milliseconds for one history, and for the questions of a dashboard."""
    count = max(100, bench.sized(bench.events) // EVENTS_EACH)
    begin = time.perf_counter()
    fill(bench, count)
    filled = time.perf_counter()
    with bench.engine([chain], [add_one]) as engine:
        opened = time.perf_counter()
        with bench.profiled(engine):
            histories = [_history_ms(engine, f"made-{random.randrange(1, count + 1)}") for _ in range(LOOKS)]
        dashboards = [_dashboard_ms(engine, count) for _ in range(5)]
    return {
        "value": opened - filled,
        "history_ms": statistics.median(histories),
        "dashboard_ms": statistics.median(dashboards),
        "megabytes": bench.database.stat().st_size / 1e6,
        "events": count * EVENTS_EACH,
        "made_in_s": filled - begin,
    }


def fill(bench: Bench, count: int) -> None:
    """Make a lab of `count` ended instances."""
    Store.open(bench.database).close()
    statements = resources.files("benchmarks.works").joinpath("large.sql").read_text("utf-8").split(";")
    connection = opening.connect(bench.database, [])
    try:
        for first in range(1, count + 1, CHUNK):
            last = min(first + CHUNK, count + 1) - 1
            for statement in statements[:2]:
                connection.execute(statement, {"first": first, "last": last})
        connection.execute(statements[2])
        connection.execute("CHECKPOINT")
    finally:
        connection.close()


def _history_ms(engine: Engine, instance_id: str) -> float:
    begin = time.perf_counter()
    found = engine.history(instance_id)
    elapsed = (time.perf_counter() - begin) * 1000
    assert [row.sequence for row in found] == list(range(EVENTS_EACH)), instance_id
    return elapsed


def _dashboard_ms(engine: Engine, count: int) -> float:
    begin = time.perf_counter()
    with engine.store.cursor() as cursor:
        now = cursor.execute("SELECT status, count(*) FROM instances GROUP BY status").fetchall()
        cursor.execute(
            "SELECT name, date_trunc('hour', created_at) AS hour, count(*) FILTER (status = 'COMPLETED') / count(*), "
            "quantile_cont(epoch(updated_at - created_at), 0.95) FROM executions GROUP BY ALL ORDER BY ALL"
        ).fetchall()
    elapsed = (time.perf_counter() - begin) * 1000
    assert now == [("COMPLETED", count)], now
    return elapsed


WORK = Work(
    name="large",
    what="10 million events in the file (1 million unless --large): opened",
    unit="s",
    measure=measure,
    goals=(Goal("value", 2, "at most"), Goal("history_ms", 10, "at most"), Goal("dashboard_ms", 500, "at most")),
)
