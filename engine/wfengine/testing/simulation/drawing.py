"""Programs drawn from a tape: small ones, with everything that has a meaning of its own in them."""

from typing import Any

from wfengine.testing.simulation.shapes import (
    Ask,
    Await,
    Call,
    Check,
    Every,
    First,
    Hear,
    Launch,
    Look,
    Program,
    Sleep,
    Spawn,
    Statement,
    Step,
    Tell,
    Waitable,
)
from wfengine.testing.simulation.tape import Tape

PAYLOADS: tuple[Any, ...] = (
    None,
    0,
    False,
    "",
    [],
    {},
    1,
    "text",
    "\u017eluť \U0001f40e",
    {"a": [None, 0, {"b": ""}]},
    0.5,
    [[], [0]],
    -(2**60),
)
BREAKABLE = "gamma"
ACTIVITIES = ("alpha", "beta", BREAKABLE)
PATCHES = ("p", "q")
EVENTS = ("go", "GO", "Go", "straße", "STRASSE", "stop")
INSTANCES = ("a", "b", "c")
_DEEPEST = 2


def draw_program(tape: Tape, depth: int = 0) -> Program:
    """A program whose children are nested two deep at most."""
    body = [_statement(tape, depth) for _ in range(1 + tape.below(3 if depth else 5))]
    return Program(
        body=body,
        ending="raise" if tape.chance(12) else "return",
        generations=tape.pick((0, 0, 0, 1, 2)) if depth < _DEEPEST else 0,
        saves_events=tape.chance(70),
        is_async=tape.chance(30),
    )


def _statement(tape: Tape, depth: int) -> Statement:
    match tape.below(21):
        case 0:
            return Tell(text=tape.pick(("", "half way", "ž")))
        case 1:
            return Look()
        case 2:
            return Check(patch=tape.pick(PATCHES))
        case 3 | 4 if depth < _DEEPEST:
            return Launch(program=draw_program(tape, depth + 1), instance_id=tape.pick((None, None, *INSTANCES)))
        case 5 | 6 | 7:
            return Ask(_waitable(tape, depth, is_nested=False))
        case _:
            return Await(_waitable(tape, depth, is_nested=False))


def _waitable(tape: Tape, depth: int, *, is_nested: bool) -> Waitable:
    match tape.below(13):
        case 0 | 1 | 2:
            return Call(name=tape.pick(ACTIVITIES), input=tape.pick(PAYLOADS), attempts=tape.pick((1, 1, 2, 3)))
        case 3:
            return Step(attempts=tape.pick((1, 1, 2)))
        case 4 | 5 | 6:
            return Hear(event=tape.pick(EVENTS), seconds=tape.pick((None, None, 30, 5, 0, -1)))
        case 7 | 8:
            return Sleep(seconds=tape.pick((1, 0, 20, 86_400)))
        case 9 | 10 if depth < _DEEPEST:
            program = draw_program(tape, depth + 1)
            return Spawn(program=program, instance_id=tape.pick((None, None, "kid", *INSTANCES)), attempts=tape.pick((1, 1, 2)))
        case 11 if not is_nested:
            return Every([_waitable(tape, depth, is_nested=True) for _ in range(tape.below(4))])
        case 12 if not is_nested:
            return First([_waitable(tape, depth, is_nested=True) for _ in range(tape.below(4))])
        case _:
            return Call(name=tape.pick(ACTIVITIES), input=tape.pick(PAYLOADS), attempts=1)
