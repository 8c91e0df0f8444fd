"""`lab.sql`: everything committed can be asked for, the record cannot be changed, and one may keep tables of one's own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import wflab as wf
from tests.lab.seed import PROGRAM, run_cell
from wfengine.errors import InvalidArgument
from wfengine.store.guarding import OURS

pytestmark = pytest.mark.slow

WITHIN_SECONDS = 30.0

ATTEMPTS = [
    "delete from history",
    "DELETE FROM History WHERE true",
    "-- tidy up\ndelete from history",
    "/* a /* nested */ comment */ delete from history",
    "delete /* now */ from /* all of */ history",
    "delete from main.history",
    'delete from "main"."history"',
    "delete from orders.main.history",
    "delete from main . history",
    "select 1; delete from history",
    "select ';'; select 'ä'; delete from history",
    "with old as (select 1) delete from history",
    "with gone as (delete from history returning *) select * from gone",
    "create table mine as (with gone as (delete from history returning *) select * from gone)",
    "explain analyze delete from history",
    "prepare p as delete from history; execute p",
    "truncate history",
    "truncate table history",
    "update history set name = 'x'",
    "update history as h set name = 'x'",
    "insert into history select * from history",
    "insert or ignore into history select * from history",
    "insert into history by name select * from history",
    "merge into history using (select 1 as a) as m on true when matched then delete",
    "copy history from '/nowhere'",
    "copy history (name) from '/nowhere'",
    "drop table history",
    "drop table if exists history",
    "drop view instances",
    "drop view if exists main.instances",
    "alter table history add column mine integer",
    "alter table if exists history rename to mine",
    "alter view instances rename to mine",
    "create or replace table history as select 1",
    "create or replace view instances as select 1",
    "create temp table history as select 1",
    "create index mine on history (name)",
    "create unique index if not exists mine on main.history (position)",
    "comment on table history is 'mine'",
    "comment on column history.name is 'mine'",
    "delete from 'history'",
    "delete from 'History'",
    "update 'history' set name = 'x'",
    "truncate 'history'",
    "insert into 'history' select * from history",
    "drop table 'history'",
    "alter table 'history' add column mine integer",
    "create index mine on 'history'(name)",
    "create or replace table 'history' as select 1",
]

BRING_ANYTHING = [
    "import database 'somewhere'",
    "select 1; IMPORT /* all */ DATABASE 'somewhere'",
    "pragma import_database('somewhere')",
    "copy from database other to orders",
    "pragma copy_database('other', 'orders')",
]

QUESTIONS = [
    "select count(*) as n from history",
    "from runs",
    "select * from history as h join runs as r on r.instance = h.instance",
    "select runs.status, history.type from runs join history on history.instance = runs.instance",
    "select 'delete from history' as text -- delete from history",
    "select $$ drop table history $$ as text",
    "with history as (select 1 as x) select x from history",
    "describe history",
    "show tables",
    "explain select * from history",
    "pragma table_info('history')",
    "summarize runs",
    "copy (select * from runs) to 'runs.csv'",
    "select 'table' history",
    "select * from runs where name = 'history'",
    "select 'import database' as text",
]


@pytest.fixture
def ran(lab: wf.Lab, seed: dict[str, Any]) -> wf.Lab:
    lab.start(seed["request_escalation"], {"amount": 500}, "order").result(WITHIN_SECONDS)
    return lab


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[wf.Lab]:
    """One lab for all queries that must leave it as it is."""
    with wf.Lab(tmp_path_factory.mktemp("kept") / "orders.duckdb") as lab:
        lab.start(run_cell(PROGRAM)["request_escalation"], {"amount": 500}, "order").result(WITHIN_SECONDS)
        yield lab


def record(lab: wf.Lab) -> str:
    tables = sorted(OURS - {"progress"})
    return "\n".join(f"{table}: {lab.sql(f'from {table}').to_csv()}" for table in tables)


@pytest.mark.parametrize("query", ATTEMPTS)
def test_the_record_cannot_be_changed_however_it_is_put(kept: wf.Lab, query: str) -> None:
    before = record(kept)
    with pytest.raises(
        InvalidArgument, match=r"is the engine's and can only be read: it is the record\. Make a table of your own"
    ) as caught:
        kept.sql(query)
    assert "\n" not in str(caught.value)
    assert record(kept) == before


@pytest.mark.parametrize("query", BRING_ANYTHING)
def test_what_brings_tables_of_any_name_is_refused(kept: wf.Lab, query: str) -> None:
    with pytest.raises(InvalidArgument, match=r"could change the record\. Make a table of your own from each file"):
        kept.sql(query)


@pytest.mark.parametrize("query", QUESTIONS)
def test_any_question_may_be_asked(kept: wf.Lab, query: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = record(kept)
    assert isinstance(kept.sql(query), pd.DataFrame)
    assert record(kept) == before


def test_every_table_and_view_of_the_schema_is_protected(ran: wf.Lab) -> None:
    names = set(ran.sql("select table_name from information_schema.tables").table_name)
    assert names == OURS


def test_everything_committed_is_in_the_answer_at_once(ran: wf.Lab, seed: dict[str, Any]) -> None:
    for n in range(20):
        ran.start(seed["request_escalation"], {"amount": 5000}, f"more-{n}")
        assert ran.sql("select count(*) as n from instances where instance_id like 'more-%'").n[0] == n + 1


def test_parameters_are_named_and_never_part_of_the_text(ran: wf.Lab) -> None:
    found = ran.sql("select instance_id from instances where instance_id = $wanted", wanted="order")
    assert list(found.instance_id) == ["order"]
    assert ran.sql("select instance_id from instances where instance_id = $wanted", wanted="' or 1=1 --").empty


def test_times_are_aware_utc(ran: wf.Lab) -> None:
    assert str(ran.sql("select occurred_at from history").occurred_at.dtype).endswith("UTC]")


def test_a_data_frame_of_the_caller_is_a_table_by_its_name(ran: wf.Lab) -> None:
    limits = pd.DataFrame({"name": ["request_escalation"], "most": [7]})
    assert ran.sql("select most from instances join limits using (name)").most[0] == 7
    del limits
    with pytest.raises(InvalidArgument, match="limits"):
        ran.sql("from limits")


def test_tables_of_ones_own_stay(tmp_path: Path) -> None:
    with wf.Lab(tmp_path / "own.duckdb") as lab:
        lab.sql("create table mine as select 1 as a; insert into mine select 2")
        lab.sql("update mine set a = a + 10")
        lab.sql("create index by_a on mine (a)")
    with wf.Lab(tmp_path / "own.duckdb") as lab:
        assert list(lab.sql("select a from mine order by a").a) == [11, 12]
        lab.sql("drop table mine")


@pytest.mark.parametrize(
    "query",
    ["selec 1", "select", "from nowhere", "select $missing", "select 1 / 'x'", "create table", "'", '"', "/*", "select * from read_csv('/nowhere')", "begin; from nowhere"],
)  # fmt: skip
def test_a_query_that_duckdb_refuses_is_told_in_one_line(kept: wf.Lab, query: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^DuckDB: .") as caught:
        kept.sql(query)
    assert "\n" not in str(caught.value)
    assert kept.runs.count() == 1


@pytest.mark.parametrize("query", ["", ";", "-- nothing", "  \n"])
def test_an_empty_query_has_an_answer_of_one_line(kept: wf.Lab, query: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^[^\n]+$"):
        kept.sql(query)


def test_an_open_transaction_of_a_query_holds_nothing_up(ran: wf.Lab, seed: dict[str, Any]) -> None:
    ran.sql("begin; create table mine as select 1 as a")
    assert ran.start(seed["request_escalation"], {"amount": 500}).result(WITHIN_SECONDS) == "auto-approved"
    with pytest.raises(InvalidArgument, match="mine"):
        ran.sql("from mine")


def test_a_run_is_joined_with_a_data_frame_of_the_notebook_the_moment_it_is_started(lab: wf.Lab, seed: dict[str, Any]) -> None:
    """No lag: what is durable is in the answer. A hundred starts, each asked for at once, and joined with a table of one's own, too."""
    lab.sql("CREATE TABLE customers (order_id VARCHAR, customer VARCHAR)")
    for n in range(100):
        order_id = f"order-{n}"
        basket = pd.DataFrame({"order_id": [order_id], "pieces": [n]})
        lab.sql("INSERT INTO customers VALUES ($order_id, $customer)", order_id=order_id, customer=f"customer {n}")
        lab.start(seed["request_escalation"], {"amount": 5000}, order_id)
        found = lab.sql(
            "SELECT b.pieces, c.customer, i.status, h.type FROM basket AS b JOIN customers AS c USING (order_id) "
            "JOIN instances AS i ON i.instance_id = b.order_id JOIN events AS h ON h.key = i.key ORDER BY h.sequence LIMIT 1"
        )
        assert found.to_numpy().tolist()[0][:2] == [n, f"customer {n}"]
        assert found["type"][0] == "ExecutionStarted"
        assert found["status"][0] in {"PENDING", "RUNNING"}
        assert not basket.empty
