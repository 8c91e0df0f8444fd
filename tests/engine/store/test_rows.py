"""Every record survives the tables exactly, also through DuckDB itself."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import get_args

import duckdb
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wfengine.model import history as h
from wfengine.model.failure import FailureDetails
from wfengine.model.instance import Instance, ParentInstance, Status
from wfengine.model.work import AuditRow, CircuitRow, Commit, DefinitionRow, HistoryRow
from wfengine.store import appending, events, migrating, reading, rows
from wfengine.store.appending import Entry
from wfengine.store.database import Progress
from wfengine.store.payloads import LargePayloads

pytestmark = pytest.mark.slow

# What is encoded into the journal is UTF-8, so text has no surrogates by the time it gets here.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive by contract
NUMBERS = st.integers(0, 2**62)
FAILURES = st.builds(FailureDetails, message=TEXT, error_type=TEXT, stack_trace=st.none() | TEXT, non_retryable=st.booleans())

for _type, _strategy in ((str, TEXT), (int, NUMBERS), (datetime, TIMES), (FailureDetails, FAILURES)):
    st.register_type_strategy(_type, _strategy)


def every_field(kind: type[msgspec.Struct]) -> st.SearchStrategy[msgspec.Struct]:
    """Records of one type with all fields drawn, also those with defaults."""
    return st.builds(kind, **{field.name: of_type(field.type) for field in msgspec.structs.fields(kind)})


def of_type(annotation: object) -> st.SearchStrategy[object]:
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct) and annotation is not FailureDetails:
        return every_field(annotation)
    if get_args(annotation) and annotation != dict[str, str] and not str(annotation).startswith("typing.Literal"):
        return st.one_of([of_type(part) for part in get_args(annotation)])
    if annotation is float:
        return st.floats(allow_nan=False, allow_infinity=False)  # a span of time has an end
    return st.from_type(annotation)  # type: ignore[arg-type]  # a union has no type to give


EVENTS = [kind for kind in get_args(h.HistoryEvent) if isinstance(kind, type)]


@pytest.fixture(scope="module")
def tables() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(migrating.script("schema") + migrating.script("views"))
        yield connection


def through_duckdb(tables: duckdb.DuckDBPyConnection, commit: Commit) -> None:
    for table in ("history", "runs", "definitions", "audit", "circuits"):
        tables.execute(f"DELETE FROM {table}")  # noqa: S608 - the names above
    appending.append(tables, [Entry(1, 1, commit)], Progress(0, 1, 1, 1))


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_every_event_comes_back_from_its_row_exactly(kind: type[msgspec.Struct]) -> None:
    @given(every_field(kind), NUMBERS)
    def check(event: h.HistoryEvent, number: int) -> None:
        row = HistoryRow(number, number, number, event)
        assert events.history_record(events.history_row(7, row, LargePayloads()), {}) == row

    check()


@settings(max_examples=30)
@given(st.lists(st.one_of([every_field(kind) for kind in EVENTS]), min_size=1, max_size=20))
def test_every_event_comes_back_from_duckdb_exactly(tables: duckdb.DuckDBPyConnection, drawn: list[h.HistoryEvent]) -> None:
    history = [HistoryRow(1, number, 1, event) for number, event in enumerate(drawn)]
    through_duckdb(tables, Commit(history=history))
    found = tables.execute(f"SELECT {', '.join(events.HISTORY_COLUMNS)} FROM history ORDER BY sequence").fetchall()  # noqa: S608 - our own columns
    assert [events.history_record(row, {}) for row in found] == history


@settings(max_examples=50)
@given(every_field(Instance))
def test_an_instance_comes_back_from_duckdb_exactly(tables: duckdb.DuckDBPyConnection, instance: Instance) -> None:
    through_duckdb(tables, Commit(runs=[instance]))
    assert reading.instances(tables, [instance.key]) == [instance]


@settings(max_examples=30)
@given(every_field(DefinitionRow), every_field(AuditRow), every_field(CircuitRow))
def test_definitions_acts_and_circuits_are_kept_exactly(
    tables: duckdb.DuckDBPyConnection, definition: DefinitionRow, act: AuditRow, circuit: CircuitRow
) -> None:
    through_duckdb(tables, Commit(definitions=[definition], audit=[act], circuits=[circuit]))
    assert reading.definitions(tables) == [definition]
    assert reading.circuits(tables) == [circuit]
    ((_, at, *others),) = tables.execute("SELECT * FROM audit").fetchall()
    assert (rows.aware(at), *others) == (act.at, act.who, act.what, act.key, act.instance_id, act.where, act.why)


def test_every_event_and_every_timer_origin_has_a_layout() -> None:
    assert set(events._EVENTS) == set(EVENTS)
    assert set(events._ORIGINS) == set(get_args(h.TimerOrigin))


def test_the_column_lists_are_those_of_the_schema(tables: duckdb.DuckDBPyConnection) -> None:
    for table, columns in (
        ("history", events.HISTORY_COLUMNS),
        ("runs", rows.RUNS_COLUMNS),
        ("definitions", rows.DEFINITIONS_COLUMNS),
        ("circuits", rows.CIRCUITS_COLUMNS),
    ):
        found = tables.execute("SELECT column_name FROM duckdb_columns() WHERE table_name = ? ORDER BY column_index", [table]).fetchall()
        assert tuple(name for (name,) in found) == columns


def test_a_parent_is_told_from_none_by_its_task() -> None:
    parent = ParentInstance(key=1, instance_id="a", name="b", task_id=0)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    child = Instance(key=2, instance_id="c", name="d", status=Status.RUNNING, created_at=now, updated_at=now, root=1, parent=parent)
    assert rows.runs_record(rows.runs_row(1, 1, child, LargePayloads()), {}) == child


def test_without_an_appender_rows_arrive_all_the_same(tables: duckdb.DuckDBPyConnection) -> None:
    """DuckDB 1.5 has none."""
    tables.execute("DELETE FROM definitions")
    row = (1, "order", "workflow", "abc", None, None, "{}", datetime(2026, 1, 1), None, None)  # noqa: DTZ001 - as the tables hold it
    appending.insert_rows(tables, "definitions", [row, row])
    assert tables.execute("SELECT * FROM definitions").fetchall() == [row, row]
