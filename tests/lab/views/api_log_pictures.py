"""Pictures of an API log with something in every field that a page reads."""

from typing import Any

from wflab.protocol.api_log import ApiCallDetail, ApiCallRow, ApiLogFilter, ApiLogPicture, CallGroup

NOW = 1_795_780_800_000.0
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def call(place: int, **more: Any) -> ApiCallRow:
    return ApiCallRow(
        **{
            "place": place,
            "at": NOW - 1000.0 * place - 0.5,
            "app": "orders",
            "api": "state",
            "method": "POST /v1.0/state/store",
            "target": f"order-{place}",
            "status": "204",
            "is_failed": False,
            "took_ms": 1.25 + place,
            "caller": "dapr-sdk-python/1.19.0",
            **more,
        }
    )


def failed(place: int, **more: Any) -> ApiCallRow:
    what = {"app": "", "api": "invoke", "method": "InvokeService", "target": "billing", "status": "UNAVAILABLE", "error": "nobody listens"}
    return call(place, is_failed=True, **{**what, **more})


def api_log(calls: list[ApiCallRow] | None = None, **more: Any) -> ApiLogPicture:
    rows = [failed(0, took_ms=None), *(call(place) for place in range(1, 5))] if calls is None else calls
    return ApiLogPicture(
        **{
            "lab": "lab.duckdb",
            "now": NOW,
            "ticks": False,
            "filter": ApiLogFilter(),
            "code": "lab.api_log()",
            "apps": [CallGroup(name="", count=1, failed=1), CallGroup(name="orders", count=4, failed=0)],
            "apis": [CallGroup(name="invoke", count=1, failed=1), CallGroup(name="state", count=4, failed=0)],
            "total": len(rows),
            "failed": sum(row.is_failed for row in rows),
            "everything": 12,
            "p50": 2.5,
            "p95": 1234.5,
            "begin": NOW - 60_000,
            "end": NOW,
            "bins": [(1, 0), (0, 0), (2, 1), (1, 0)],
            "calls": rows,
            "first": 0,
            "page": 100,
            "order": "-at",
            "served": "http://127.0.0.1:3500 and gRPC 127.0.0.1:50001",
            **more,
        }
    )


def detail(**more: Any) -> ApiCallDetail:
    return ApiCallDetail(
        **{
            "call": call(1, target="order-1"),
            "trace": TRACE,
            "request_bytes": 2048,
            "response_bytes": 0,
            "instance_id": "order-1",
            "workflow": "place_order",
            "others": [call(2), call(1, target="order-1")],
            "others_total": 2,
            **more,
        }
    )
