"""Resources as Dapr writes them are read; what is not understood is told, and what is wrong is refused with its place."""

from collections.abc import Callable
from pathlib import Path

import pytest

from wfengine.errors import InvalidArgument
from wfengine.gateway.apps import App
from wfengine.gateway.components import Rule, parse_resources, read_resources
from wfengine.gateway.gateway import Gateway

SUBSCRIPTIONS = """
apiVersion: dapr.io/v2alpha1
kind: Subscription
metadata: {name: orders}
spec:
  pubsubname: pubsub
  topic: orders
  routes:
    rules: [{match: event.type == "order.created", path: /created}]
    default: /other
  deadLetterTopic: poison
scopes: [billing]
---
apiVersion: dapr.io/v1alpha1
kind: Subscription
metadata: {name: old}
spec: {pubsubname: pubsub, topic: news, route: /news}
"""


def test_subscriptions_of_both_versions_are_read() -> None:
    first, second = parse_resources(SUBSCRIPTIONS, "s.yaml").subscriptions
    assert first.rules == (Rule(match='event.type == "order.created"', path="/created"), Rule(path="/other"))
    assert (first.dead_letter_topic, first.scopes) == ("poison", ("billing",))
    assert (second.topic, second.rules) == ("news", (Rule(path="/news"),))


def test_an_app_has_what_its_scopes_allow() -> None:
    resources = parse_resources(SUBSCRIPTIONS, "s.yaml")
    assert [one.topic for one in resources.declared("billing")] == ["orders", "news"]
    assert [one.topic for one in resources.declared("other")] == ["news"]


def test_folders_are_read_and_what_has_no_counterpart_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: Configuration\nmetadata: {name: tracing}\n")
    (tmp_path / "b.yml").write_text("kind: Component\nmetadata: {name: cron}\nspec: {type: bindings.cron}\n")
    (tmp_path / "c.txt").write_text("not YAML: [")
    found = read_resources([tmp_path])
    assert found.components == ()
    assert [note.rpartition(": ")[2] for note in found.notes] == [
        "nothing here takes a Configuration; it is left out.",
        "there is nothing like a bindings.cron here; it is left out.",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "is no YAML"),
        ("- a\n- b", "a resource is"),
        ("metadata: {name: x}", "without `kind`"),
        ("kind: Component\nmetadata: {name: x}", "needs metadata.name and spec.type"),
        ("kind: Subscription\nspec: {topic: a}", "needs pubsubname, topic"),
        ("kind: Component\nmetadata: {name: x}\nspec: {type: state.redis, metadata: {a: b}}", "spec.metadata is a list"),
        ("!!python/object/apply:os.system ['true']", "is no YAML"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(InvalidArgument, match=r"orders\.yaml") as refused:
        parse_resources(text, "orders.yaml")
    assert said in str(refused.value)


def test_two_components_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("kind: Component\nmetadata: {name: store}\nspec: {type: state.redis}\n")
    with pytest.raises(InvalidArgument, match="two components named 'store'"):
        read_resources([tmp_path])


def test_a_rule_or_policy_that_cannot_be_read_is_refused_when_it_is_given(open_gateway: Callable[..., Gateway]) -> None:
    gateway = open_gateway()
    for text in (SUBSCRIPTIONS.replace("event.type ==", "event.type ="), "kind: Resiliency\nspec: {targets: {apps: {a: {retry: none}}}}"):
        with pytest.raises(InvalidArgument, match=r"rule|no policies\.retries\.none"):
            gateway.add_app(App(app_id="billing"), parse_resources(text, "s.yaml"))
    assert gateway.sidecar("billing") is None
