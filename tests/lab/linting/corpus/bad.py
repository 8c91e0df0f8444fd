"""Thirty workflows that may differ between replays, as people write them. `# bad: RULE` stands on the line at fault; `# replay` says that
always-replay finds it, too."""

import asyncio
import datetime as dt
import json
import logging
import os
import pathlib
import random
import subprocess
import threading
import time
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from random import choice
from time import time as now

import numpy as np

import wflab as wf

log = logging.getLogger("orders")
COUNTER = 0
CACHE: dict[str, object] = {}
RATES = {"eur": 1.0}
SEEN: list[str] = []
here = datetime.now


def set_rate(currency, rate):
    RATES[currency] = rate


def order_number(prefix):
    return f"{prefix}-{uuid.uuid4()}"  # bad: random


def deadline_of(order):
    if order.get("express"):
        return time.time() + 60  # bad: clock
    return order["deadline"]


def read_config(path):
    with open(path) as file:  # bad: io
        return json.load(file)


def fresh_id():
    return _draw()


def _draw():
    return random.getrandbits(64)


def tags_of(order):
    return {tag.strip() for tag in order["tags"].split(",")}


class Clock:
    def read(self):
        return datetime.now()


clock = Clock()


def stamped(ctx, order):
    order["placed_at"] = datetime.now().isoformat()  # bad: clock  # replay
    yield ctx.call_activity("save", input=order)
    yield ctx.call_activity("ship", input=order)


def late_fee(ctx, order):
    yield ctx.call_activity("save", input=order)
    if date.today().toordinal() > order["due"]:  # bad: clock
        yield ctx.call_activity("charge_fee", input=order)
    return "done"


def measured(ctx, order):
    begin = time.perf_counter()  # bad: clock
    yield ctx.call_activity("work", input=order)
    return time.perf_counter() - begin  # bad: clock


def aliased(ctx, order):
    started = now()  # bad: clock  # replay
    yield ctx.call_activity("work", input={"order": order, "at": started})


def through_a_module_alias(ctx, order):
    until = dt.datetime.utcnow() + timedelta(hours=1)  # bad: clock
    yield ctx.create_timer(until)
    return order


def through_a_variable(ctx, order):
    moment = here()  # bad: clock
    return (yield ctx.call_activity("save", input=str(moment)))


def lottery(ctx, names):
    winner = random.choice(names)  # bad: random  # replay
    yield ctx.call_activity("congratulate", input=winner)
    return winner


def canary(ctx, order):
    if choice([True, False]):  # bad: random
        yield ctx.call_activity("new_path", input=order)
    else:
        yield ctx.call_activity("old_path", input=order)


def with_an_id(ctx, order):
    key = str(uuid.uuid4())  # bad: random  # replay
    yield ctx.call_activity("charge", input={"key": key, "amount": order["amount"]})
    yield ctx.call_activity("confirm", input=key)


def noisy(ctx, order):
    delay = np.random.uniform(1, 5)  # bad: random  # replay
    yield ctx.create_timer(timedelta(seconds=float(delay)))
    yield ctx.call_activity("work", input=delay)


def bucketed(ctx, order):
    bucket = hash(order["customer"]) % 10  # bad: identity
    return (yield ctx.call_activity("route", input=bucket))


def reads_a_file(ctx, order):
    prices = json.loads(pathlib.Path("prices.json").read_text())  # bad: io
    return (yield ctx.call_activity("charge", input=prices[order["item"]]))


def asks_the_web(ctx, order):
    with urllib.request.urlopen(order["url"]) as answer:  # bad: io
        body = answer.read()
    yield ctx.call_activity("save", input=body.decode())


def imports_within(ctx, order):
    import requests

    answer = requests.get(order["url"], timeout=5)  # bad: io
    yield ctx.call_activity("save", input=answer.text)


def runs_a_program(ctx, order):
    revision = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True).stdout  # bad: io
    yield ctx.call_activity("deploy", input=revision)


def switched_by_environment(ctx, order):
    if os.environ.get("FEATURE_X") == "1":  # bad: environment
        yield ctx.call_activity("x", input=order)
    yield ctx.call_activity("y", input=order)


def sleeps(ctx, order):
    yield ctx.call_activity("submit", input=order)
    time.sleep(0.001)  # bad: sleep
    yield ctx.call_activity("poll", input=order)


async def sleeps_on_the_loop(ctx, order):
    await ctx.call_activity("submit", input=order)
    await asyncio.sleep(0.001)  # bad: sleep  # replay
    await ctx.call_activity("poll", input=order)


async def gathers(ctx, orders):
    await asyncio.gather(*[ctx.call_activity("work", input=order) for order in orders])  # bad: concurrency


def with_a_pool(ctx, orders):
    with ThreadPoolExecutor() as pool:  # bad: concurrency
        sums = list(pool.map(len, orders))
    yield ctx.call_activity("save", input=sums)


def locked(ctx, order):
    lock = threading.Lock()  # bad: concurrency
    with lock:
        yield ctx.call_activity("work", input=order)


def over_a_set(ctx, order):
    for warehouse in {item["warehouse"] for item in order["items"]}:  # bad: set-order
        yield ctx.call_activity("reserve", input=warehouse)


def fans_out_over_a_set(ctx, order):
    regions = set(order["regions"])
    yield wf.when_all([ctx.call_activity("replicate", input=region) for region in regions])  # bad: set-order


def counts_itself(ctx, order):
    global COUNTER  # bad: global-state
    COUNTER += 1
    yield ctx.call_activity("save", input=COUNTER)  # replay


def remembers(ctx, order):
    if order["id"] not in CACHE:
        CACHE[order["id"]] = yield ctx.call_activity("look_up", input=order)  # bad: global-state
    return CACHE[order["id"]]


def converts(ctx, order):
    rate = RATES[order["currency"]]  # bad: global-state
    return (yield ctx.call_activity("charge", input=order["amount"] * rate))


def calls_out(ctx, order):
    number = order_number("inv")
    limit = deadline_of(order)
    yield ctx.call_activity("invoice", input=[number, limit])  # replay


def two_calls_deep(ctx, order):
    key = fresh_id()  # bad: random  # replay
    yield ctx.call_activity("charge", input=key)


def through_an_object(ctx, order):
    at = clock.read()  # bad: clock  # replay
    yield ctx.call_activity("save", input=str(at))


def a_set_from_elsewhere(ctx, order):
    for tag in tags_of(order):  # bad: set-order
        yield ctx.call_activity("tag", input=tag)
