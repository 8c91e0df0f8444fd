"""Policies as Dapr's Resiliency resource says them, and what they make of calls that fail."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

from wfengine.errors import InvalidArgument
from wfengine.gateway.components import Resources, parse_resources
from wfengine.gateway.resiliency.policies import NO_POLICY, Policy, Retry, check, policy_for_app, policy_for_component
from wfengine.gateway.resiliency.running import Attempt, CircuitOpen, Circuits, TooSlow
from wfengine.model.circuit import CircuitBreaker, consecutive_failures

SPEC = """
apiVersion: dapr.io/v1alpha1
kind: Resiliency
metadata: {name: shop}
scopes: [orders]
spec:
  policies:
    timeouts: {quick: 1m30s}
    retries:
      some: {policy: constant, duration: 10ms, maxRetries: 3, matching: {httpStatusCodes: "429,500-599"}}
      more: {policy: exponential, maxInterval: 15s, maxRetries: -1}
    circuitBreakers:
      plain: {maxRequests: 2, interval: 8s, timeout: 45s, trip: consecutiveFailures >= 8}
  targets:
    apps:
      billing: {timeout: quick, retry: some, circuitBreaker: plain}
    components:
      pubsub: {inbound: {retry: more}, outbound: {timeout: quick}}
"""


@pytest.fixture
def resources() -> Resources:
    return parse_resources(SPEC, "resiliency.yaml")


def test_a_target_has_the_policies_that_its_names_stand_for(resources: Resources) -> None:
    assert policy_for_app(resources, "orders", "billing") == Policy(
        name="apps/billing",
        timeout=timedelta(seconds=90),
        retry=Retry(first=timedelta(milliseconds=10), most=3, statuses=((429, 429), (500, 599))),
        breaker=CircuitBreaker(max_requests=2, interval=timedelta(seconds=8), timeout=timedelta(seconds=45), trip=consecutive_failures(8)),
    )
    inbound = policy_for_component(resources, "orders", "pubsub", "inbound").retry
    assert inbound is not None
    assert [inbound.wait(tries).total_seconds() for tries in (1, 2, 20)] == [0.5, 0.75, 15]


def test_what_is_not_named_has_no_policy(resources: Resources) -> None:
    assert policy_for_app(resources, "other", "billing") == NO_POLICY, "it is not in the scopes"
    assert policy_for_app(resources, "orders", "shipping") == NO_POLICY
    assert policy_for_component(resources, "orders", "statestore", "outbound") == NO_POLICY


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("retry: some", "retry: none", "no policies.retries.none"),
        ("duration: 10ms", "duration: soon", "a time such as 500ms"),
        ("policy: constant", "policy: random", "constant or exponential"),
        ("maxRetries: 3", "maxRetries: many", "maxRetries is a number"),
        ("trip: consecutiveFailures >= 8", "trip: requests > 3", "trips on consecutiveFailures"),
        ('"429,500-599"', '"teapot"', "status codes are like"),
        ("components:", "apps: 3\n    components:", "targets.apps"),
    ],
)
def test_what_is_no_policy_is_refused_before_anything_depends_on_it(old: str, new: str, said: str) -> None:
    assert old in SPEC
    with pytest.raises(InvalidArgument, match="resiliency 'shop'") as refused:
        check(parse_resources(SPEC.replace(old, new, 1), "resiliency.yaml"))
    assert said in str(refused.value)


def failed(what: str, status: int | None = None) -> Attempt[str]:
    return Attempt(what, has_failed=True, status=status)


def run(policy: Policy, circuits: Circuits, attempts: Iterator[Attempt[str]]) -> str:
    async def attempt() -> Attempt[str]:
        return next(attempts)

    return asyncio.run(circuits.run(policy, "key", attempt))


QUICKLY = Retry(first=timedelta(0), most=2)


def test_a_call_is_tried_again_as_often_as_the_policy_says() -> None:
    answers = [failed("a", 500), failed("b", 500), failed("c", 500), Attempt("never")]
    attempts = iter(answers)
    assert run(Policy(name="p", retry=QUICKLY), Circuits(), attempts) == "c", "the last failure is the answer"
    assert next(attempts).result == "never"
    assert run(Policy(name="p", retry=QUICKLY), Circuits(), iter([answers[0], answers[3]])) == "never"


def test_a_status_that_is_not_named_is_not_tried_again() -> None:
    retry = Retry(first=timedelta(0), most=2, statuses=((500, 599),))
    assert run(Policy(name="p", retry=retry), Circuits(), iter([failed("a", 404)])) == "a"


def test_an_attempt_that_takes_too_long_is_one_that_failed() -> None:
    async def forever() -> Attempt[str]:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(TooSlow, match=r"within 0\.01 s"):
        asyncio.run(Circuits().run(Policy(name="p", timeout=timedelta(milliseconds=10)), "key", forever))


def test_an_open_circuit_lets_nothing_through_and_closes_after_a_success() -> None:
    circuits = Circuits()
    breaker = CircuitBreaker(trip=consecutive_failures(2), timeout=timedelta(milliseconds=1))
    slow = CircuitBreaker(trip=consecutive_failures(2), timeout=timedelta(hours=1))
    for _ in range(2):
        run(Policy(name="p", breaker=slow), circuits, iter([failed("a")]))
    with pytest.raises(CircuitOpen, match="circuit of p is open"):
        run(Policy(name="p", breaker=slow), circuits, iter([]))
    policy = Policy(name="p", breaker=breaker, retry=Retry(first=timedelta(milliseconds=5)))
    assert run(policy, circuits, iter([Attempt("well")])) == "well"
    assert run(Policy(name="p", breaker=slow), circuits, iter([Attempt("again")])) == "again"
