"""The task hub's protocol, as we have it and as the installed SDK of Dapr has it: the same names, numbers, types, labels and values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from dapr.ext.workflow._durabletask.internal import (
    attestation_pb2,
    history_events_pb2,
    orchestration_pb2,
    orchestrator_actions_pb2,
    orchestrator_service_pb2,
)
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, MethodDescriptor

from wfengine.gateway.gateway import Gateway
from wfengine.gateway.taskhub import service
from wfengine.gateway.wire import taskhub_pb2

OURS = taskhub_pb2.DESCRIPTOR
THEIRS = [
    module.DESCRIPTOR
    for module in (orchestration_pb2, attestation_pb2, history_events_pb2, orchestrator_actions_pb2, orchestrator_service_pb2)
]


def all_messages(of: Mapping[str, Descriptor], within: str = "") -> dict[str, Descriptor]:
    """Messages by their name without the package, those within others too (entries of maps are such)."""
    found: dict[str, Descriptor] = {}
    for name, message in of.items():
        found[within + name] = message
        found |= all_messages(message.nested_types_by_name, f"{within}{name}.")
    return found


OUR_MESSAGES = all_messages(OURS.message_types_by_name)
THEIR_MESSAGES = {name: found for file in THEIRS for name, found in all_messages(file.message_types_by_name).items()}


def bare(full_name: str) -> str:
    """A name without our package; theirs have none."""
    return full_name.removeprefix(f"{OURS.package}.")


def field_said(field: FieldDescriptor) -> tuple[Any, ...]:
    of = bare(field.message_type.full_name) if field.message_type else field.enum_type.name if field.enum_type else None
    oneof = field.containing_oneof.name if field.containing_oneof else None
    return field.number, field.type, of, field.is_repeated, field.has_presence, oneof, field.json_name


def enums(of: Mapping[str, EnumDescriptor]) -> dict[str, dict[str, int]]:
    return {name: {value.name: value.number for value in enum.values} for name, enum in of.items()}


def method_said(method: MethodDescriptor) -> tuple[Any, ...]:
    return bare(method.input_type.full_name), bare(method.output_type.full_name), method.client_streaming, method.server_streaming


def test_we_have_every_message_of_the_protocol_and_no_other() -> None:
    assert OUR_MESSAGES.keys() == THEIR_MESSAGES.keys()
    assert len(OUR_MESSAGES) > 80


@pytest.mark.parametrize("name", sorted(OUR_MESSAGES))
def test_a_message_has_the_fields_that_the_sdk_gives_it(name: str) -> None:
    ours, theirs = OUR_MESSAGES[name], THEIR_MESSAGES[name]
    assert {field.name: field_said(field) for field in ours.fields} == {field.name: field_said(field) for field in theirs.fields}


def test_enumerations_have_the_values_that_the_sdk_gives_them() -> None:
    theirs = {name: values for file in THEIRS for name, values in enums(file.enum_types_by_name).items()}
    assert enums(OURS.enum_types_by_name) == theirs
    assert len(theirs) == 6


@pytest.mark.parametrize("name", sorted(OUR_MESSAGES))
def test_an_enumeration_within_a_message_has_its_values_too(name: str) -> None:
    assert enums(OUR_MESSAGES[name].enum_types_by_name) == enums(THEIR_MESSAGES[name].enum_types_by_name)


def test_the_service_has_the_calls_that_the_sdk_makes() -> None:
    (theirs,) = (found for file in THEIRS for found in file.services_by_name.values())
    (ours,) = OURS.services_by_name.values()
    assert {one.name: method_said(one) for one in ours.methods} == {one.name: method_said(one) for one in theirs.methods}
    assert ours.name == theirs.full_name == service.NAME


@dataclass(frozen=True)
class Call(grpc.HandlerCallDetails):
    method: str
    invocation_metadata: tuple[()] = ()


def test_every_call_of_the_service_is_answered(gateway: Gateway) -> None:
    handlers = service.handlers(gateway.hub, None)
    (ours,) = OURS.services_by_name.values()
    assert handlers.service(Call(f"/{ours.name}/Unheard")) is None
    for method in ours.methods:
        handler = handlers.service(Call(f"/{ours.name}/{method.name}"))
        assert handler is not None, method.name
        assert (handler.request_streaming, handler.response_streaming) == (method.client_streaming, method.server_streaming)


def test_our_package_is_our_own() -> None:
    assert OURS.package == "wfengine.wire.v1"
    assert OURS.name.startswith("wfengine/")
