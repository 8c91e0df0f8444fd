"""Ports to listen on: taken before anything is served, so that one that is in use is a clear error and no half-open sidecar."""

import errno
import socket

from wfengine.errors import InvalidArgument, WflabError


class PortInUse(WflabError):
    """Another program listens there, perhaps another lab's gateway."""


def listening(host: str, port: int, what: str) -> socket.socket:
    """A socket that listens; port 0 takes any free one. Raises PortInUse, InvalidArgument."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise InvalidArgument(
            f"The gateway cannot listen on {host!r}: {error.strerror or error}. Pass an address of this machine."
        ) from None
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
        listener.setblocking(False)  # noqa: FBT003  # the socket's own word
    except OSError as error:
        listener.close()
        raise (
            in_use(port, what)
            if error.errno == errno.EADDRINUSE
            else InvalidArgument(f"The gateway cannot listen on {host}:{port}: {error.strerror}. Pass another host or port.")
        ) from None
    return listener


def in_use(port: int, what: str) -> PortInUse:
    """The error for a port that another program has."""
    return PortInUse(f"Port {port} is in use by another program. Pass another {what}, or 0 for any free one, or stop that program.")
