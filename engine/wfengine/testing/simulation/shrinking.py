"""Make a tape that breaks a promise shorter and plainer, for as long as it goes on breaking one."""

from collections.abc import Callable


def shrink(data: bytes, breaks: Callable[[bytes], bool], *, most_tries: int = 1_000) -> bytes:
    """The plainest tape found. `breaks` says whether a run still fails."""
    shrinker = _Shrinker(data, breaks, most_tries)
    before = None
    while before != shrinker.data and shrinker.tries_left:
        before = shrinker.data
        shrinker.cut()
        shrinker.lower()
    return shrinker.data


class _Shrinker:
    def __init__(self, data: bytes, breaks: Callable[[bytes], bool], tries: int) -> None:
        self.data = data
        self.tries_left = tries
        self._breaks = breaks

    def cut(self) -> None:
        """Leave out what can be left out, in ever smaller pieces."""
        length = len(self.data)
        while length:
            start = 0
            while start < len(self.data):
                if not self._is_better(self.data[:start] + self.data[start + length :]):
                    start += length
            length //= 2

    def lower(self) -> None:
        """Lower each byte as far as it goes."""
        for place in range(len(self.data)):
            for smaller in (0, 1, self.data[place : place + 1][0] // 2 if place < len(self.data) else 0):
                if place < len(self.data) and smaller < self.data[place]:
                    self._is_better(self.data[:place] + bytes((smaller,)) + self.data[place + 1 :])

    def _is_better(self, plainer: bytes) -> bool:
        if not self.tries_left:
            return False
        self.tries_left -= 1
        if self._breaks(plainer):
            self.data = plainer
            return True
        return False
