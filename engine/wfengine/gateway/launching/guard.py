"""Stands between the lab and a program: starts it, tells what became of it, and ends it with all its children when told to, or when the lab is gone.

A process of its own, since nobody else could do so after `kill -9` of the lab. It uses nothing but the standard library and is run by path, so that it
is quick to start and needs nothing of ours. To end a program is to close the lab's end of the socket, which the lab's death does, too.

Usage: guard.py SOCKET GRACE_SECONDS COMMAND...; over the socket it says, in JSON lines, {"pid": n}, then {"exit": code} (negative: a signal) or
{"error": text}.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time

_LOOK_SECONDS = 0.5
_LOOK_AGAIN_SECONDS = 0.02


def main(arguments: list[str]) -> int:
    """Guard one program until nothing of it is left."""
    channel = socket.socket(fileno=int(arguments[0]))
    grace_seconds = float(arguments[1])
    for number in (
        signal.SIGINT,
        signal.SIGTERM,
        signal.SIGHUP,
    ):  # only the lab ends us; what is ignored outright, the program would inherit
        signal.signal(number, lambda *_: None)
    try:
        program = subprocess.Popen(arguments[2:], stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        _tell(channel, {"error": error.strerror or str(error)})
        return 1
    _tell(channel, {"pid": program.pid})
    for stream in (0, 1, 2):  # the lab shall see the end of the program's output, not of ours
        os.dup2(os.open(os.devnull, os.O_RDWR), stream)
    ended = threading.Event()
    threading.Thread(target=_watch, args=(program, ended, channel), daemon=True).start()
    _wait(channel, ended)
    _end_group(program, ended, grace_seconds)
    _tell(channel, {"exit": program.returncode})
    return 0


def _watch(program: subprocess.Popen[bytes], ended: threading.Event, channel: socket.socket) -> None:
    program.wait()
    ended.set()
    _wake(channel)


def _wait(channel: socket.socket, ended: threading.Event) -> None:
    """Until the program has ended, or the lab wants it to, or is gone."""
    parent = os.getppid()
    while not ended.is_set():
        readable, _, _ = select.select([channel], [], [], _LOOK_SECONDS)
        if readable or os.getppid() != parent:  # a copy of the lab's process may hold its end of the socket open
            return


def _wake(channel: socket.socket) -> None:
    with contextlib.suppress(OSError):
        channel.shutdown(socket.SHUT_RD)  # the select returns


def _end_group(program: subprocess.Popen[bytes], ended: threading.Event, grace_seconds: float) -> None:
    """SIGTERM to the program and all it has started, then SIGKILL to what is left: its children, too, where it ended by itself."""
    _signal(program.pid, signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    while time.monotonic() < deadline and not (ended.is_set() and not _is_there(program.pid)):
        time.sleep(_LOOK_AGAIN_SECONDS)
    _signal(program.pid, signal.SIGKILL)
    ended.wait()


def _signal(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        os.killpg(group, number)


def _is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _tell(channel: socket.socket, what: dict[str, object]) -> None:
    with contextlib.suppress(OSError):  # the lab is gone
        channel.sendall(json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
