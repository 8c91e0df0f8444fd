"""What may happen to an instance in which state, as a table (rows A10, A11, A14, A23 and A26–A29), and a small machine that follows it.

The machine plays `flow` of test_races.py: an activity, an event, a timer, a child, the end. One thing to know before editing: it knows nothing of
commits, inboxes and turns; that a race between two operations comes out as one of them after the other is what the tests show.
"""

from copy import deepcopy
from typing import Literal

Position = Literal["pending", "activity", "event", "timer", "child"]
State = Literal["PENDING", "RUNNING", "SUSPENDED", "COMPLETED", "FAILED", "TERMINATED", "absent"]
Operation = Literal[
    "suspend", "resume", "terminate", "terminate_alone", "raise_go", "purge", "start",
    "complete", "fail", "fire",
    "kid_suspend", "kid_resume", "kid_terminate", "kid_done", "kid_fail", "kid_purge",
]  # fmt: skip

CONTROLS: tuple[Operation, ...] = ("suspend", "resume", "terminate", "raise_go", "purge", "start")

# "=": accepted, and nothing changes for the instance; "back": to where it stood before the suspension; a name in CamelCase: refused with it.
TABLE: dict[State, tuple[str, ...]] = {
    #              suspend             resume              terminate           raise_go            purge                  start
    "PENDING":    ("SUSPENDED",        "=",                "TERMINATED",       "=",                "InstanceNotTerminal", "InstanceAlreadyExists"),
    "RUNNING":    ("SUSPENDED",        "=",                "TERMINATED",       "=",                "InstanceNotTerminal", "InstanceAlreadyExists"),
    "SUSPENDED":  ("=",                "back",             "TERMINATED",       "=",                "InstanceNotTerminal", "InstanceAlreadyExists"),
    "COMPLETED":  ("=",                "=",                "=",                "=",                "absent",              "RUNNING"),
    "FAILED":     ("=",                "=",                "=",                "=",                "absent",              "RUNNING"),
    "TERMINATED": ("=",                "=",                "=",                "=",                "absent",              "RUNNING"),
    "absent":     ("InstanceNotFound", "InstanceNotFound", "InstanceNotFound", "InstanceNotFound", "InstanceNotFound",    "RUNNING"),
}  # fmt: skip

# What the code waits for where, and what comes after it.
NEXT: dict[tuple[Position, str], Position | State] = {
    ("pending", "fire"): "activity",
    ("activity", "complete"): "event",
    ("activity", "fail"): "FAILED",
    ("event", "raise_go"): "timer",
    ("timer", "fire"): "child",
    ("child", "kid_done"): "COMPLETED",
    ("child", "kid_fail"): "FAILED",
}
POSITIONS: tuple[Position, ...] = ("pending", "activity", "event", "timer", "child")
LIVE = frozenset({"PENDING", "RUNNING", "SUSPENDED"})
TERMINAL = frozenset({"COMPLETED", "FAILED", "TERMINATED"})


class Machine:
    """A parent and its kid. `do` gives "ok" or the name of the refusal."""

    def __init__(self) -> None:
        self.state: State = "absent"
        self.kid: State = "absent"
        self.position: Position = "pending"
        self._news: list[str] = []
        self._of_kid: list[Operation] = []
        self._execution = 0
        self._kid_of = 0
        self._attempts: list[int] = []
        self._has_go = False

    def copy(self) -> "Machine":
        return deepcopy(self)

    @property
    def shown(self) -> tuple[str, str, str]:
        """What can be seen from outside."""
        return self.state, self.position if self.state in LIVE else "", self.kid

    @property
    def has_open_attempts(self) -> bool:
        """Whether an activity is at work, wanted or not."""
        return bool(self._attempts)

    def begin(self, *, later: bool) -> None:
        """It is started by a person, now or later."""
        self._execution += 1
        self._news.clear()
        self._has_go = False
        if later:
            self.state, self.position = "PENDING", "pending"
        else:
            self._go_to("activity")

    def do(self, operation: Operation) -> str:
        match operation:
            case "complete" | "fail":
                if self._attempts and self._attempts.pop(0) == self._execution:  # else it is late: the id's, but not this execution's
                    self._hear(operation)
            case "fire":
                self._hear(operation)
            case "kid_done" | "kid_fail" | "kid_suspend" | "kid_resume" | "kid_terminate" | "kid_purge":
                return self._do_to_kid(operation)
            case "terminate_alone":
                return self._control("terminate", recurse=False)
            case _:
                return self._control(operation)
        return "ok"

    def _control(self, operation: Operation, *, recurse: bool = True) -> str:
        entry = TABLE[self.state][CONTROLS.index(operation)]
        if entry.startswith("Instance"):
            return entry
        match operation, entry:
            case "raise_go", _:
                self._hear("raise_go")
            case "resume", "back":
                self.state = "PENDING" if self.position == "pending" else "RUNNING"
                news, self._news = self._news, []
                for one in news:
                    self._hear(one)
            case "suspend", "SUSPENDED":
                self.state = "SUSPENDED"
            case "terminate", "TERMINATED":
                self.state = "TERMINATED"
                if recurse and self.kid in LIVE and self._kid_of == self._execution:
                    self.kid = "TERMINATED"
            case "purge", _:
                if self.kid in LIVE:
                    return "InstanceNotTerminal"
                self.state = self.kid = "absent"
            case "start", _:
                self.begin(later=False)
        return "ok"

    def _hear(self, news: str) -> None:
        """News for the code: taken up, kept for after the suspension, or of no interest."""
        if self.state == "SUSPENDED":
            self._news.append(news)
        elif self.state in LIVE and (reached := NEXT.get((self.position, news))):
            self._go_to(reached)
        elif self.state in LIVE and news == "raise_go":
            self._has_go = True

    def _go_to(self, reached: Position | State) -> None:
        match reached:
            case "COMPLETED" | "FAILED":
                self.state = reached
                return
            case "pending" | "activity" | "event" | "timer" | "child":
                self.position = reached
                self.state = "RUNNING"
        if reached == "activity":
            self._attempts.append(self._execution)
        if reached == "event" and self._has_go:
            self._has_go = False
            self._go_to("timer")
        if reached == "child" and self.kid in LIVE:
            self._hear("kid_fail")  # its id is taken
        elif reached == "child":
            self.kid, self._kid_of = "RUNNING", self._execution
            self._of_kid.clear()

    def _do_to_kid(self, operation: Operation) -> str:
        if self.kid == "absent":
            return "InstanceNotFound"
        match operation, self.kid:
            case "kid_purge", "RUNNING" | "SUSPENDED":
                return "InstanceNotTerminal"
            case "kid_purge", _:
                self.kid = "absent"
            case "kid_suspend", "RUNNING":
                self.kid = "SUSPENDED"
            case "kid_resume", "SUSPENDED":
                self.kid = "RUNNING"
                for one in self._of_kid[:1]:
                    self._end_kid(one)
            case "kid_done" | "kid_fail", "SUSPENDED":
                self._of_kid.append(operation)
            case "kid_done" | "kid_fail" | "kid_terminate", "RUNNING" | "SUSPENDED":
                self._end_kid(operation)
        return "ok"

    def _end_kid(self, operation: Operation) -> None:
        self.kid = "COMPLETED" if operation == "kid_done" else "FAILED" if operation == "kid_fail" else "TERMINATED"
        if self._kid_of == self._execution:
            self._hear("kid_done" if operation == "kid_done" else "kid_fail")
