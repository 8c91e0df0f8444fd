"""Resources as Dapr writes them in YAML: which stores and brokers an app may use, who subscribes to what, and what is done when calls fail.

Every type of state store or broker is served by the one that is built in; a resource of another kind, and a type that is replaced, is told in `notes`.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from wfengine.errors import InvalidArgument

STATE = "state"
PUBSUB = "pubsub"
_BUILT_IN = frozenset(("state.in-memory", "state.embedded", "state.wflab", "pubsub.in-memory", "pubsub.embedded", "pubsub.wflab"))


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """A store of state or a broker. `type` is as it was written (`state.redis`); `scopes` the apps that may use it, all where it is empty."""

    name: str
    type: str
    version: str = "v1"
    metadata: dict[str, str] = {}
    scopes: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """What it is for: the first word of its type."""
        return self.type.partition(".")[0]

    def option(self, name: str) -> str | None:
        """A value of its metadata, whatever the case of its name."""
        return next((value for key, value in self.metadata.items() if key.lower() == name.lower()), None)


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Where a message goes if it matches; an empty `match` is for the rest."""

    path: str
    match: str = ""


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """An app's wish for what is published to a topic."""

    pubsub: str
    topic: str
    rules: tuple[Rule, ...] = ()
    dead_letter_topic: str | None = None
    metadata: dict[str, str] = {}
    scopes: tuple[str, ...] = ()


class Resources(msgspec.Struct, frozen=True, kw_only=True):
    """All that was declared. `resiliency` holds the specs, as they are, with their names."""

    components: tuple[Component, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    resiliency: tuple[tuple[str, dict[str, Any], tuple[str, ...]], ...] = ()  # name, spec, scopes
    notes: tuple[str, ...] = ()

    def component(self, kind: str, name: str, app_id: str | None) -> Component | None:
        """The store or broker of that name, if the app may use it."""
        return next((one for one in self.of(app_id) if one.kind == kind and one.name == name), None)

    def of(self, app_id: str | None) -> tuple[Component, ...]:
        """What an app may use; the lab's own sidecar everything."""
        return tuple(one for one in self.components if app_id is None or not one.scopes or app_id in one.scopes)

    def declared(self, app_id: str | None) -> tuple[Subscription, ...]:
        """What the resources subscribe an app to. The lab's own sidecar has no app behind it."""
        return tuple(one for one in self.subscriptions if app_id is not None and (not one.scopes or app_id in one.scopes))


# What `dapr init` leaves in its components folder, under the same names.
USUAL = Resources(components=(Component(name="statestore", type="state.wflab"), Component(name="pubsub", type="pubsub.wflab")))


def read_resources(paths: Iterable[str | Path]) -> Resources:
    """The resources in these files, and in the .yaml and .yml files of these folders. Raises InvalidArgument that names the file and the place."""
    found = Resources()
    for path in paths:
        place = Path(path)
        if not place.exists():
            raise InvalidArgument(f"There are no resources at {place}. Pass a YAML file, or a folder of them.")
        files = sorted([*place.glob("*.yaml"), *place.glob("*.yml")]) if place.is_dir() else [place]
        for file in files:
            found = _joined(found, parse_resources(file.read_text("utf-8"), str(file)))
    names = [(one.kind, one.name) for one in found.components]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise InvalidArgument(f"There are two components named {twice[1]!r}. Give each a name of its own.")
    return found


def parse_resources(text: str, where: str) -> Resources:
    """The resources in one text of YAML, which may hold several documents; `where` names it in errors."""
    try:
        documents = [one for one in yaml.safe_load_all(text) if one is not None]
    except (yaml.YAMLError, RecursionError) as error:
        raise InvalidArgument(f"{where} is no YAML: {error}") from None
    found = Resources()
    for document in documents:
        found = _joined(found, _parsed(_mapping(document, where, "a resource"), where))
    return found


def _joined(first: Resources, second: Resources) -> Resources:
    return Resources(
        components=(*first.components, *second.components),
        subscriptions=(*first.subscriptions, *second.subscriptions),
        resiliency=(*first.resiliency, *second.resiliency),
        notes=(*first.notes, *second.notes),
    )


def _parsed(document: Mapping[str, Any], where: str) -> Resources:
    kind = document.get("kind")
    meta = _mapping(document.get("metadata", {}), where, "metadata")
    name = str(meta.get("name", ""))
    spec = _mapping(document.get("spec", {}), where, "spec")
    scopes = tuple(str(one) for one in _listed(document.get("scopes"), where, "scopes"))
    here = f"{where} ({kind} {name!r})"
    match kind:
        case "Component":
            return _component(name, spec, scopes, here)
        case "Subscription":
            return Resources(subscriptions=(_subscription(spec, scopes, str(document.get("apiVersion", "")), here),))
        case "Resiliency":
            return Resources(resiliency=((name, dict(spec), scopes),))
        case None:
            raise InvalidArgument(f"{where} has a document without `kind`. A resource is a Component, a Subscription or a Resiliency.")
        case _:
            return Resources(notes=(f"{here}: nothing here takes a {kind}; it is left out.",))


def _component(name: str, spec: Mapping[str, Any], scopes: tuple[str, ...], here: str) -> Resources:
    kind = str(spec.get("type", ""))
    if not name or "." not in kind:
        raise InvalidArgument(f"{here} needs metadata.name and spec.type, such as state.redis.")
    notes: list[str] = []
    if kind.partition(".")[0] not in {STATE, PUBSUB}:
        return Resources(notes=(f"{here}: there is nothing like a {kind} here; it is left out.",))
    metadata: dict[str, str] = {}
    for item in _listed(spec.get("metadata"), here, "spec.metadata"):
        pair = _mapping(item, here, "an item of spec.metadata")
        if "value" in pair:
            metadata[str(pair.get("name"))] = _text(pair["value"])
    if kind not in _BUILT_IN:
        notes.append(f"{here}: the built-in one stands in for {kind}.")
    component = Component(name=name, type=kind, version=str(spec.get("version", "v1")), metadata=metadata, scopes=scopes)
    return Resources(components=(component,), notes=tuple(notes))


def _subscription(spec: Mapping[str, Any], scopes: tuple[str, ...], version: str, here: str) -> Subscription:
    pubsub, topic = str(spec.get("pubsubname", "")), str(spec.get("topic", ""))
    rules: list[Rule] = []
    if version.endswith("v1alpha1") or "route" in spec:
        rules.append(Rule(path=str(spec.get("route", ""))))
    else:
        routes = _mapping(spec.get("routes", {}), here, "spec.routes")
        for one in _listed(routes.get("rules"), here, "spec.routes.rules"):
            rule = _mapping(one, here, "a rule")
            rules.append(Rule(path=str(rule.get("path", "")), match=str(rule.get("match", ""))))
        if routes.get("default"):
            rules.append(Rule(path=str(routes["default"])))
    if not pubsub or not topic or not rules or not all(rule.path for rule in rules):
        raise InvalidArgument(f"{here} needs pubsubname, topic, and a route (or routes.default) for what arrives.")
    metadata = _mapping(spec.get("metadata", {}), here, "spec.metadata")
    return Subscription(
        pubsub=pubsub,
        topic=topic,
        rules=tuple(rules),
        dead_letter_topic=str(spec["deadLetterTopic"]) if spec.get("deadLetterTopic") else None,
        metadata={str(key): _text(value) for key, value in metadata.items()},
        scopes=scopes,
    )


def _mapping(value: Any, where: str, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidArgument(f"{where}: {what} is `name: value` in lines, not {value!r:.60}.")
    return value


def _listed(value: Any, where: str, what: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidArgument(f"{where}: {what} is a list, not {value!r:.60}.")
    return value


def _text(value: Any) -> str:
    """A value as Dapr reads it: YAML's true is the text `true`."""
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
