"""Messages filled in at random: valid on the wire, and nonsense to whoever reads them."""

from random import Random
from typing import Any

from google.protobuf.descriptor import FieldDescriptor as Field
from google.protobuf.message import Message

TEXTS = ("", "a", "step", "17", "null", "{", "ä☃", "x" * 300, "a/b", "a:b", "\0", "..", "NaN", '"x"', "1e999", "[" * 2000)
NUMBERS = (0, 1, 2, 3, -1, 5, 2**31 - 1, -(2**31))
SECONDS = (0, 1, -1, 1_800_000_000, 253_402_300_799, 253_402_300_800, 2**62, -(2**62))
NANOS = (0, 1, 999_999_999, -1, 2**31 - 1)
DEEPEST = 4


def scribbled(chance: Random, message: Any, own_id: str, depth: int = 0) -> Any:
    """Fill in some of the fields; `own_id` is what ids are now and then."""
    for field in message.DESCRIPTOR.fields:
        if chance.random() < (0.35 if depth else 0.7):
            for _ in range(chance.randint(1, 3) if field.is_repeated else 1):
                _fill(chance, message, field, own_id, depth)
    return message


def _fill(chance: Random, message: Message, field: Field, own_id: str, depth: int) -> None:
    if field.message_type is None:
        value = _value(chance, field, own_id)
        if field.is_repeated:
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)
    elif field.message_type.GetOptions().map_entry:
        getattr(message, field.name)[chance.choice(TEXTS)] = chance.choice(TEXTS)
    elif depth < DEEPEST:
        within = getattr(message, field.name)
        within = within.add() if field.is_repeated else within
        within.SetInParent()
        if field.message_type.full_name == "google.protobuf.Timestamp":
            within.seconds, within.nanos = chance.choice(SECONDS), chance.choice(NANOS)
        else:
            scribbled(chance, within, own_id, depth + 1)


def _value(chance: Random, field: Field, own_id: str) -> Any:
    word = own_id if chance.random() < 0.1 else chance.choice(TEXTS)
    match field.type:
        case Field.TYPE_STRING:
            return word
        case Field.TYPE_BYTES:
            return word.encode()
        case Field.TYPE_BOOL:
            return chance.random() < 0.5
        case Field.TYPE_ENUM:
            return chance.choice((*range(9), 77))
        case Field.TYPE_UINT32:
            return abs(chance.choice(NUMBERS))
        case _:
            return chance.choice(NUMBERS)
