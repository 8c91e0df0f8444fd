"""Ids and random numbers that are the same at every replay: drawn from the instance's identity and a counter, never from the machine.

`random.Random` is used with a seed only; that is arithmetic, not chance.
"""

import hashlib
import random
import string
import uuid
from datetime import datetime, timedelta

NAMESPACE = uuid.UUID("9e952958-5e33-4daf-827f-2fa12937b875")
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in string.hexdigits[:16]}


class Deterministic:
    """The source of one execution. `identity` differs between any two executions."""

    def __init__(self, identity: str) -> None:
        self._identity = identity
        self._count = 0
        self._numbered = 0
        self._random: random.Random | None = None  # 2.5 KB that few workflows need

    @property
    def random(self) -> random.Random:
        """The generator of this execution; it is one and the same from first use on."""
        if self._random is None:
            digest = hashlib.sha256(self._identity.encode("utf-8", "backslashreplace")).digest()
            self._random = random.Random(int.from_bytes(digest[:8], "big"))  # noqa: S311  # replay needs it predictable; no secret
        return self._random

    def uuid(self, now: datetime) -> uuid.UUID:
        """The next id, a version 5 UUID."""
        self._count += 1
        return uuid.uuid5(NAMESPACE, f"{self._identity}_{now.isoformat()}_{self._count}")

    def text(self, length: int, alphabet: str | None) -> str:
        """Random characters."""
        return "".join(self.random.choices(alphabet or string.ascii_letters + string.digits, k=length))

    def numbered(self, now: datetime) -> datetime:
        """The time, a microsecond later with each call."""
        later = now + timedelta(microseconds=self._numbered)
        self._numbered += 1
        return later


def task_execution_id(identity: str, action_id: int) -> str:
    """The idempotency key of one activity call: the same for all its attempts and after every crash."""
    digits = hashlib.blake2b(f"{identity}/{action_id}".encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()
    # as uuid.UUID(..., version=5) writes it, without making one: every call of an activity comes here
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:]}"
