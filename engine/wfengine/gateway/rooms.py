"""What a room of the gateway offers to a sidecar: one API, by both doors, as the app whose sidecar it is sees it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from starlette.routing import BaseRoute

from wfengine.gateway.apps import App


class Room(Protocol):
    """One API of the runtime. All of it runs on the gateway's loop and must not block."""

    def routes(self, app: App) -> Sequence[BaseRoute]:
        """Its paths under HTTP."""

    def rpcs(self, app: App) -> Mapping[str, Any]:
        """Its rpcs of `dapr.proto.runtime.v1.Dapr`, by name, as grpc's method handlers."""
