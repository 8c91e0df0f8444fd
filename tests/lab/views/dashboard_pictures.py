"""Pictures of a dashboard with something in every field that a page reads."""

from typing import Any

import msgspec

from wflab.protocol.dashboard import (
    DashboardFilter,
    DashboardPicture,
    FailureLine,
    HeatGrid,
    Kpi,
    RunRow,
    StuckLine,
    TypeGraph,
    TypeNode,
    WorkflowLine,
)

NOW = 1_795_780_800_000.0
HOUR = 3_600_000.0


def kpi(key: Any, value: str, note: str = "", standing: Any = "") -> Kpi:
    return Kpi(key=key, title=key, value=value, note=note, tip=f"what {key} is made of", standing=standing)


def line(name: str, completed: int, failed: int, **more: Any) -> WorkflowLine:
    total = completed + failed
    return WorkflowLine(
        **{
            "name": name,
            "version": "",
            "counts": {"COMPLETED": completed, "FAILED": failed},
            "numerator": completed,
            "denominator": total,
            "rate": completed / total if total else None,
            "low": 0.6 if total else None,
            "high": 0.9 if total else None,
            "p50": 1.5 if completed else None,
            "p95": 4.0 if completed else None,
            "trend": [(completed, 0), (0, failed)],
            "per_hour": 12.5,
            "failure": "ValueError: card # declined" if failed else "",
            "oldest": NOW - HOUR,
            **more,
        }
    )


def row(number: int, **more: Any) -> RunRow:
    return RunRow(
        **{
            "instance_id": f"r{number}",
            "name": "order",
            "version": "",
            "status": "COMPLETED",
            "created": NOW - number * 1000,
            "ended": NOW - number * 1000 + 500,
            **more,
        }
    )


def dashboard(**changes: Any) -> DashboardPicture:
    picture = DashboardPicture(
        lab="lab.duckdb",
        now=NOW,
        ticks=True,
        filter=DashboardFilter(name="order", status="FAILED"),
        code="lab.dashboard(name='order', status='FAILED')",
        definition="success = COMPLETED / (COMPLETED + FAILED + TERMINATED)",
        states={"COMPLETED": 8, "FAILED": 2, "RUNNING": 1},
        everything=12,
        kpis=[
            kpi("success", "80.0%", "8/10", "bad"),
            kpi("p95", "4 s", "target 10 s", "good"),
            kpi("running", "1", "1 running"),
            kpi("stuck", "1", "1 stalled", "bad"),
            kpi("burn", "–"),
        ],
        names=["order", "refund"],
        versions=["v1"],
        tags=["shop"],
        begin=NOW - 24 * HOUR,
        end=NOW,
        workflows=[line("order", 6, 2), line("refund", 2, 0, version="v1"), line("idle", 0, 0)],
        workflows_total=3,
        failures=[
            FailureLine(
                fingerprint="ValueError: card # declined",
                activity="charge",
                count=2,
                share=1.0,
                first=NOW - HOUR,
                last=NOW - 1000,
                workflows=["order"],
                sample="r3",
                message="card 17 declined",
                frame='File "<cell 3>", line 12, in charge',
                new_since="v14",
            )
        ],
        failures_total=1,
        stuck=[
            StuckLine(
                instance_id="r9",
                name="order",
                status="STALLED",
                reason="stalled",
                since=NOW - HOUR,
                why="STALLED for 1 h: the code asks for other",
                remedy="Add a patch.",
            )
        ],
        stuck_total=1,
        curve=[(0.5, 0.0), (1.5, 0.5), (4.0, 1.0)],
        curve_count=10,
        heat=HeatGrid(columns=40, edges=[0.1, 1.0, 10.0, 100.0], cells=[(0, 0, 1, 0), (0, 1, 3, 0), (20, 1, 4, 1), (39, 2, 2, 2)]),
        instances=[row(1), row(2, status="FAILED", note="ValueError: card 17 declined"), row(3, status="RUNNING", ended=None)],
        total=3,
        first=0,
        order="-created",
        chosen=["r2"],
        graph=TypeGraph(
            runs=8,
            total=8,
            nodes=[
                TypeNode(name="reserve", kind="activity", counts={"COMPLETED": 8}, column=0, row=0),
                TypeNode(name="charge", kind="activity", counts={"COMPLETED": 6, "FAILED": 2}, column=1, row=0),
            ],
            edges=[(0, 1, 8)],
        ),
        trouble=None,
    )
    return msgspec.structs.replace(picture, **changes)


def crowded() -> DashboardPicture:
    """More workflows and failures than are drawn, in every state, with names that are long, odd or mean harm."""
    states = ["COMPLETED", "CONTINUED_AS_NEW", "RUNNING", "PENDING", "SUSPENDED", "STALLED", "CANCELED", "TERMINATED", "FAILED", "UNKNOWN"]
    names = [
        '<script>alert("1")</script>',
        "a & b's",
        "\N{PARTY POPPER}" * 30,
        "\u202egnp.exe\x00",
        "nightly_report_of_everything_there_is",
    ]
    lines = [
        line(
            f"{names[place % 5]}{place}", 0, 0, version="" if place % 2 else "v2", counts=dict.fromkeys(states[: 1 + place % 10], 3**place)
        )
        for place in range(16)
    ]
    rare = line("rare", 0, 0, counts={"COMPLETED": 99_999, "FAILED": 1}, numerator=99_999, denominator=100_000, rate=0.99999, p95=3_725.0)
    failure = dashboard().failures[0]
    failures = [
        msgspec.structs.replace(
            failure,
            fingerprint=f"{names[place % 5]} {'x' * 12 * place}",
            activity="" if place % 3 else names[place % 5],
            count=12_345 // (place + 1),
            share=1 / (place + 2),
            new_since="v2 1a2b3c4d" if place % 4 == 0 else "",
        )
        for place in range(9)
    ]
    words = "success = COMPLETED / (COMPLETED + FAILED + TERMINATED); " * 4
    return dashboard(
        lab='<lab>&"x".duckdb',
        definition=words.strip(),
        workflows=[rare, *lines],
        workflows_total=17,
        failures=failures,
        failures_total=1_009,
        instances=[],
        graph=None,
    )
