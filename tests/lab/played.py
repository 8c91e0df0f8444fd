"""A workflow that is played in tests, and its two activities: a function and a coroutine."""

import asyncio
from datetime import timedelta
from typing import Any

import wflab as wf

POLICY = wf.RetryPolicy(first_retry_interval=timedelta(hours=1), max_number_of_attempts=3, backoff_coefficient=2)
DAY = timedelta(days=1)


def double(_: wf.WorkflowActivityContext, number: int) -> int:
    return 2 * number


async def triple(_: wf.WorkflowActivityContext, number: int) -> int:
    await asyncio.sleep(0)
    return 3 * number


def calculate(ctx: wf.WorkflowContext, number: int) -> Any:
    return (yield ctx.call_activity(triple, input=(yield ctx.call_activity(double, input=number))))
