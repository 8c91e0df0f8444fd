"""Is the sidecar there, and may the app call out: both are so as soon as it listens."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from wfengine.gateway.apps import App


class Health:
    """The health of one gateway's sidecars."""

    def routes(self, app: App) -> list[BaseRoute]:
        """What is asked by HTTP; a supervisor may name the app it means."""

        async def healthy(request: Request) -> Response:
            wanted = request.query_params.get("appid")
            return Response(status_code=204 if wanted is None or wanted == app.app_id else 500)

        return [Route("/v1.0/healthz", healthy), Route("/v1.0/healthz/outbound", healthy)]

    def rpcs(self, app: App) -> dict[str, object]:  # noqa: ARG002  # a room answers both doors
        """Nothing by gRPC."""
        return {}
