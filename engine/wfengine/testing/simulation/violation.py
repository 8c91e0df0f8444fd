"""What a simulated run may come to: a broken promise."""


class Violation(AssertionError):
    """The engine broke a promise; the message says which and where. The story of the run is added on the way up."""


def insist(holds: bool, promise: str, *about: object) -> None:  # noqa: FBT001  # it reads like an assert
    """Raise a Violation unless `holds`."""
    if not holds:
        raise Violation(": ".join([promise, *(repr(one) for one in about)]))
