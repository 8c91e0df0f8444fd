"""What is done when a call to an app fails, as Dapr's Resiliency resource says it: time limits, retries, circuit breakers, and to which targets they apply."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

import msgspec

from wfengine.errors import InvalidArgument
from wfengine.gateway.components import Resources
from wfengine.model.circuit import CircuitBreaker, consecutive_failures

Direction = Literal["inbound", "outbound"]
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_TRIP = re.compile(r"\s*consecutiveFailures\s*(>=|>|==)\s*(\d+)\s*")
_LONGEST_SECONDS = 86_400.0


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """How often and when to try again; `most` None is for ever. `statuses` are the HTTP and gRPC codes that are tried again, all failures if empty."""

    is_exponential: bool = False
    first: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(seconds=60)
    most: int | None = None
    statuses: tuple[tuple[int, int], ...] = ()

    def wait(self, tries: int) -> timedelta:
        """How long after the `tries`th attempt the next one is made."""
        if not self.is_exponential:
            return self.first
        return min(self.longest, self.first * 1.5 ** min(tries - 1, 60))

    def is_over(self, tries: int) -> bool:
        """Whether the `tries`th attempt was the last."""
        return self.most is not None and tries > self.most

    def covers(self, status: int | None) -> bool:
        """Whether a failure with this status is tried again; None is one of the connection."""
        return status is None or not self.statuses or any(first <= status <= last for first, last in self.statuses)


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What applies to one target. `name` keeps circuits apart."""

    name: str
    timeout: timedelta | None = None
    retry: Retry | None = None
    breaker: CircuitBreaker | None = None


NO_POLICY = Policy(name="")


def policy_for_app(resources: Resources, app_id: str | None, target: str) -> Policy:
    """What an app's resources say of calls to another."""
    return _found(resources, app_id, lambda targets: _of(targets, "apps", target), f"apps/{target}")


def policy_for_component(resources: Resources, app_id: str | None, component: str, direction: Direction) -> Policy:
    """What they say of what a component takes (outbound) or delivers (inbound)."""
    return _found(
        resources, app_id, lambda targets: _of(_of(targets, "components", component), direction), f"components/{component}/{direction}"
    )


def check(resources: Resources) -> None:
    """Raise InvalidArgument for whatever in the resources is no policy, before anything depends on it."""
    for name, spec, _ in resources.resiliency:
        targets = _mapping(spec.get("targets", {}), f"resiliency {name!r}: targets")
        for app, names in _mapping(targets.get("apps", {}), f"resiliency {name!r}: targets.apps").items():
            _policy(spec, _mapping(names, f"resiliency {name!r}: {app}"), f"apps/{app}", name)
        for component, ways in _mapping(targets.get("components", {}), f"resiliency {name!r}: targets.components").items():
            for way, names in _mapping(ways, f"resiliency {name!r}: {component}").items():
                _policy(spec, _mapping(names, f"resiliency {name!r}: {component}"), f"components/{component}/{way}", name)


def _found(resources: Resources, app_id: str | None, pick: Any, key: str) -> Policy:
    for name, spec, scopes in resources.resiliency:
        if scopes and app_id not in scopes:
            continue
        names = pick(spec.get("targets", {}))
        if names:
            return _policy(spec, names, key, name)
    return NO_POLICY


def _of(mapping: Any, *path: str) -> Any:
    for name in path:
        mapping = mapping.get(name) if isinstance(mapping, Mapping) else None
    return mapping


def _policy(spec: Mapping[str, Any], names: Mapping[str, Any], key: str, where: str) -> Policy:
    def named(kind: str, word: str) -> Any:
        name = names.get(word)
        if name is None:
            return None
        found = _of(spec, "policies", kind, str(name))
        if found is None:
            raise InvalidArgument(f"resiliency {where!r}: there is no policies.{kind}.{name}, which {key} asks for.")
        return found

    timeout, retry, breaker = named("timeouts", "timeout"), named("retries", "retry"), named("circuitBreakers", "circuitBreaker")
    here = f"resiliency {where!r}"
    return Policy(
        name=key,
        timeout=None if timeout is None else _span(timeout, f"{here}: timeouts"),
        retry=None if retry is None else _retry(_mapping(retry, here), here),
        breaker=None if breaker is None else _breaker(_mapping(breaker, here), here),
    )


def _retry(spec: Mapping[str, Any], where: str) -> Retry:
    kind = str(spec.get("policy", "constant"))
    if kind not in {"constant", "exponential"}:
        raise InvalidArgument(f"{where}: the policy of a retry is constant or exponential, not {kind!r}.")
    most = spec.get("maxRetries", -1)
    if isinstance(most, bool) or not isinstance(most, int):
        raise InvalidArgument(f"{where}: maxRetries is a number (-1: for ever), not {most!r}.")
    default = "5s" if kind == "constant" else "500ms"
    matching = _mapping(spec.get("matching") or {}, f"{where}: matching")
    statuses = (*_ranges(matching.get("httpStatusCodes"), where), *_ranges(matching.get("gRPCStatusCodes"), where))
    return Retry(
        is_exponential=kind == "exponential",
        first=_span(spec.get("duration", default), f"{where}: duration"),
        longest=_span(spec.get("maxInterval", "60s"), f"{where}: maxInterval"),
        most=None if most < 0 else most,
        statuses=statuses,
    )


def _ranges(text: Any, where: str) -> tuple[tuple[int, int], ...]:
    """`429,500-599` as pairs."""
    if text is None or str(text).strip() in {"", "*"}:
        return ()
    try:
        pairs = [part.strip().partition("-") for part in str(text).split(",") if part.strip()]
        return tuple((int(first), int(last or first)) for first, _, last in pairs)
    except ValueError:
        raise InvalidArgument(f"{where}: status codes are like 429,500-599, not {text!r}.") from None


def _breaker(spec: Mapping[str, Any], where: str) -> CircuitBreaker:
    trip = str(spec.get("trip", "consecutiveFailures > 5"))
    found = _TRIP.fullmatch(trip)
    if found is None:
        raise InvalidArgument(f"{where}: a circuit breaker trips on consecutiveFailures >= a number here, not on {trip!r}.")
    most = int(found[2]) + (1 if found[1] == ">" else 0)
    return CircuitBreaker(
        max_requests=int(spec.get("maxRequests", 1)),
        interval=_span(spec.get("interval", "0s"), f"{where}: interval"),
        timeout=_span(spec.get("timeout", "60s"), f"{where}: timeout"),
        trip=consecutive_failures(max(1, most)),
    )


def _span(text: Any, where: str) -> timedelta:
    """A duration as Go writes it: 500ms, 1m30s; a bare number is seconds."""
    words = str(text).strip()
    if words.replace(".", "", 1).isdecimal():
        seconds = float(words)
    else:
        parts = _SPAN.findall(words)
        if not parts or "".join(number + unit for number, unit in parts) != words:
            raise InvalidArgument(f"{where} is a time such as 500ms or 1m30s, not {text!r}.")
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    return timedelta(seconds=min(seconds, _LONGEST_SECONDS))


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidArgument(f"{where} is `name: value` in lines, not {value!r:.60}.")
    return value
