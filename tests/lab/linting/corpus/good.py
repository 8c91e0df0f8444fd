"""Thirty deterministic workflows that look as if they were not."""

import asyncio
import logging
import os.path
import random
import time
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from urllib.parse import quote, urlencode

import numpy as np

import wflab as wf

log = logging.getLogger("orders")
LIMITS = {"eur": 1000, "usd": 1100}
REGIONS = frozenset({"eu", "us"})
HANDLERS: dict[str, str] = {}
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def total(items):
    return sum(item["price"] * item["count"] for item in items)


def now(ctx):
    return ctx.current_utc_datetime


def handles(kind):
    def wrapper(function):
        HANDLERS[kind] = function.__name__
        return function

    return wrapper


@handles("book")
def send_book(_ctx, order):
    return order


def uses_the_contexts_time(ctx, order):
    order["placed_at"] = ctx.current_utc_datetime.isoformat()
    yield ctx.call_activity("save", input=order)


def has_its_own_now(ctx, order):
    moment = now(ctx)
    yield ctx.create_timer(moment + timedelta(days=1))
    return order


def draws_from_the_context(ctx, names):
    random = ctx.random()
    winner = random.choice(names)
    yield ctx.call_activity("congratulate", input=winner)


def ids_of_the_context(ctx, order):
    uuid4 = ctx.uuid4
    key = str(uuid4())
    yield ctx.call_activity("charge", input={"key": key, "order": order})


def named_ids(ctx, order):
    key = uuid.uuid5(uuid.NAMESPACE_URL, f"https://example.org/{order['id']}")
    yield ctx.call_activity("charge", input=str(key))


def seeded(ctx, order):
    rng = random.Random(order["seed"])
    generator = np.random.default_rng(order["seed"])
    yield ctx.call_activity("work", input=[rng.random(), float(generator.uniform())])
    spread = [random.Random(order["seed"]).lognormvariate(3, 0.7), float(np.random.RandomState(order["seed"]).normal())]
    yield ctx.call_activity("work", input=spread)


def parses_times(ctx, order):
    due = datetime.fromisoformat(order["due"])
    year = time.strftime("%Y", time.gmtime(order["stamp"]))
    yield ctx.create_timer(due)
    return [year, (due - EPOCH).days]


def sleeps_durably(ctx, order):
    sleep = ctx.create_timer
    yield sleep(timedelta(hours=1))
    return order


def joins_paths(ctx, order):
    folder = os.path.join("out", order["id"])  # noqa: PTH118
    path = PurePosixPath(folder) / "report.json"
    yield ctx.call_activity("write", input=str(path))


def quotes_addresses(ctx, order):
    url = f"https://example.org/{quote(order['id'])}?{urlencode({'q': order['item']})}"
    yield ctx.call_activity("fetch", input=url)


def opens_by_activity(ctx, order):
    content = yield ctx.call_activity("open", input=order["path"])
    answer = yield ctx.call_activity("requests.get", input=content)
    return answer


def steps_with_a_lambda(ctx, order):
    at = yield ctx.step(lambda: datetime.now(UTC).isoformat(), name="clock")
    drawn = yield ctx.step(random.random)
    return [at, drawn, order]


def steps_with_a_function(ctx, order):
    def read(path):
        with open(path) as file:  # noqa: PTH123
            return file.read()

    text = yield ctx.step(read, order["path"])
    return text


def sorted_set(ctx, order):
    for warehouse in sorted({item["warehouse"] for item in order["items"]}):
        yield ctx.call_activity("reserve", input=warehouse)


def set_membership(ctx, order):
    known = set(order["known"])
    for item in order["items"]:
        if item in known or item["region"] in REGIONS:
            yield ctx.call_activity("reserve", input=item)


def counts_a_set(ctx, order):
    kinds = {item["kind"] for item in order["items"]}
    if len(kinds) > 3 and all(kind.isalpha() for kind in kinds):
        yield ctx.call_activity("split", input=sorted(kinds))
    return sum(len(kind) for kind in kinds)


def dict_order(ctx, order):
    for key, value in order.items():
        yield ctx.call_activity("set", input=[key, value])


def unique_in_order(ctx, order):
    for item in dict.fromkeys(order["items"]):
        yield ctx.call_activity("reserve", input=item)


def numbers_in_a_set(ctx, order):
    for hour in (1, 8, 24):
        yield ctx.create_timer(timedelta(hours=hour))
    return order


def reads_constants(ctx, order):
    if order["amount"] > LIMITS[order["currency"]]:
        yield ctx.wait_for_external_event("approval")
    return total(order["items"])


def builds_a_local_list(ctx, order):
    results = []
    for item in order["items"]:
        results.append((yield ctx.call_activity("work", input=item)))
    results.sort()
    return results


def counts_locally(ctx, order):
    count = 0

    def again():
        nonlocal count
        count += 1
        return count

    while again() < 4:
        yield ctx.call_activity("poll", input=order)
    return Counter(order["items"]).most_common(1)


def edits_its_input(ctx, order):
    order["items"].append("gift")
    order.update(seen=True)
    del order["draft"]
    yield ctx.call_activity("save", input=order)


def logs_once(ctx, order):
    if not ctx.is_replaying:
        print("started", datetime.now(UTC))  # wf: allow clock
        log.info("order %s", order["id"])
    yield ctx.call_activity("work", input=order)


def allowed(ctx, order):
    begin = time.perf_counter()  # wf: allow clock, it is only shown
    yield ctx.call_activity("work", input=order)
    ctx.set_custom_status("slow" if time.perf_counter() - begin > 1 else "quick")  # wf: allow clock


async def gathers_by_when_all(ctx, orders):
    gather = wf.when_all
    return await gather([ctx.call_activity("work", input=order) for order in orders])


async def catches(ctx, order):
    try:
        await ctx.wait_for_external_event("go", timeout=timedelta(days=1))
    except (TimeoutError, asyncio.CancelledError):
        await ctx.call_activity("remind", input=order)


def shadows_a_module(ctx, order):
    time = order["time"]
    random = order["random"]
    yield ctx.call_activity("work", input=[time.time(), random.random()])


def looks_up_a_handler(ctx, order):
    handler = HANDLERS[order["kind"]]
    yield ctx.call_activity(handler, input=order)


def delegates(ctx, order):
    def charged(amount):
        paid = yield ctx.call_activity("charge", input=amount)
        return paid

    paid = yield from charged(order["amount"])
    return paid
