"""The inventory service: it reserves and releases stock, which it keeps in its state, and says yes to orders that it can send. Not a test."""

import json
import os
from typing import Any

import uvicorn
from dapr.clients import DaprClient
from dapr.clients.grpc._state import Concurrency, StateOptions
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

LARGEST = 50_000


def moved(by: int, order_id: str) -> int | None:
    """The stock after it was moved once for this order; None where there is not enough. Whoever else writes meanwhile makes it try again."""
    while True:
        with DaprClient() as client:
            found = client.get_state("statestore", "stock")
            stock: dict[str, Any] = json.loads(found.data) if found.data else {"left": int(os.environ["STOCK"]), "held": {}}
            held = dict(stock["held"])
            if by < 0 and order_id in held:
                return int(stock["left"])  # an activity is made at least once
            if by > 0 and order_id not in held:
                return int(stock["left"])
            left = stock["left"] + (by if by < 0 else held.pop(order_id))
            if left < 0:
                return None
            if by < 0:
                held[order_id] = -by
            try:
                options = StateOptions(concurrency=Concurrency.first_write)
                client.save_state("statestore", "stock", json.dumps({"left": left, "held": held}), etag=found.etag, options=options)
            except Exception:  # whatever the SDK makes of ABORTED
                print("stock was moved meanwhile", flush=True)
                continue
            return int(left)


async def reserve(request: Request) -> Response:
    order = await request.json()
    left = await run_in_threadpool(moved, -order["quantity"], order["id"])
    print("reserve", order["id"], left, flush=True)
    return JSONResponse({"reserved": left is not None, "left": left})


async def release(request: Request) -> Response:
    order = await request.json()
    left = await run_in_threadpool(moved, order["quantity"], order["id"])
    print("release", order["id"], left, flush=True)
    return JSONResponse({"left": left})


async def subscriptions(_: Request) -> Response:
    return JSONResponse(
        [
            {"pubsubname": "pubsub", "topic": "approval-requests", "route": "/approval-requests"},
            {"pubsubname": "pubsub", "topic": "order-events", "route": "/order-events"},
        ]
    )


async def approval_requests(request: Request) -> Response:
    order = (await request.json())["data"]
    answer = {"id": order["id"], "is_approved": order["total"] <= LARGEST}

    def publish() -> None:
        with DaprClient() as client:
            client.publish_event("pubsub", "approvals", json.dumps(answer), data_content_type="application/json")

    await run_in_threadpool(publish)
    return JSONResponse({"status": "SUCCESS"})


async def order_events(request: Request) -> Response:
    order = (await request.json())["data"]
    print("heard of", order["id"], order["status"], flush=True)
    return JSONResponse({"status": "SUCCESS"})


if __name__ == "__main__":
    routes = [
        Route("/dapr/subscribe", subscriptions),
        Route("/reserve", reserve, methods=["POST"]),
        Route("/release", release, methods=["POST"]),
        Route("/approval-requests", approval_requests, methods=["POST"]),
        Route("/order-events", order_events, methods=["POST"]),
    ]
    uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=int(os.environ["APP_PORT"]), log_level="warning")
