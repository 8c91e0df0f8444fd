"""What we say on the wire has Dapr's names and numbers, as the installed SDK has them."""

from collections.abc import Iterator

import pytest
from dapr.proto.common.v1 import common_pb2
from dapr.proto.runtime.v1 import appcallback_pb2, invoke_pb2, metadata_pb2, pubsub_pb2, state_pb2, workflow_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from wfengine.gateway.wire import dapr_pb2

THEIRS = (common_pb2, workflow_pb2, state_pb2, pubsub_pb2, invoke_pb2, metadata_pb2, appcallback_pb2)
OURS = dapr_pb2.DESCRIPTOR


def all_messages(of: dict[str, Descriptor]) -> Iterator[tuple[str, Descriptor]]:
    for name, message in of.items():
        yield name, message
        yield from ((f"{name}.{inner}", found) for inner, found in all_messages(dict(message.nested_types_by_name)))


def theirs() -> dict[str, Descriptor]:
    return {name: found for module in THEIRS for name, found in all_messages(dict(module.DESCRIPTOR.message_types_by_name))}


def said(field: FieldDescriptor) -> tuple[object, ...]:
    kind = field.message_type.name if field.message_type else field.enum_type.name if field.enum_type else field.type
    return field.number, kind, field.is_repeated, field.has_presence, field.containing_oneof and field.containing_oneof.name


@pytest.mark.parametrize("name", [name for name, _ in all_messages(dict(OURS.message_types_by_name))])
def test_a_message_has_the_fields_that_dapr_gives_it(name: str) -> None:
    ours, their = dict(all_messages(dict(OURS.message_types_by_name)))[name], theirs()[name]
    assert {field.name: said(field) for field in ours.fields} == {field.name: said(field) for field in their.fields}


def all_enums(message: Descriptor) -> dict[str, EnumDescriptor]:
    return dict(message.enum_types_by_name)


def test_an_enumeration_has_the_numbers_that_dapr_gives_it() -> None:
    compared = 0
    for name, message in all_messages(dict(OURS.message_types_by_name)):
        for enum in all_enums(message):
            ours, their = all_enums(message)[enum], all_enums(theirs()[name])[enum]
            assert dict(ours.values_by_name.items()).keys() == dict(their.values_by_name.items()).keys()
            assert {value.name: value.number for value in ours.values} == {value.name: value.number for value in their.values}
            compared += 1
    assert compared == 5


def test_our_package_is_not_daprs() -> None:
    assert OURS.package == "wfengine.wire.dapr.v1"
    assert OURS.name.startswith("wfengine/")
