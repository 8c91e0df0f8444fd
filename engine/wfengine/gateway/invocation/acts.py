"""What service invocation does: finds the app, and calls it by whichever door it has, under the policy of the caller's resources.

An answer outside of 200 to 399 is a failure for retries and circuits, and still the answer that the caller gets in the end.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

import grpc
import msgspec
from google.protobuf.any_pb2 import Any as Packed

from wfengine.errors import WflabError
from wfengine.gateway.apps import App
from wfengine.gateway.channels import Answer, AppChannel, AppUnreachable
from wfengine.gateway.components import Resources
from wfengine.gateway.invocation.statuses import http_of
from wfengine.gateway.refusals import Refusal
from wfengine.gateway.resiliency.policies import policy_for_app
from wfengine.gateway.resiliency.running import Attempt, CircuitOpen, Circuits, TooSlow
from wfengine.gateway.wire import dapr_pb2 as wire

# Without a policy, too, an app that cannot be reached is tried again, as daprd does.
UNREACHED_TRIES = 3
UNREACHED_WAIT_SECONDS = 1.0
_VERBS = dict(wire.HTTPExtension.Verb.items())
Headers = Sequence[tuple[str, str]]


class Call(NamedTuple):
    """A call as it is handed on: `raw_path` is undecoded, with the query; `method` the same in words, without the slash before it."""

    verb: str
    raw_path: bytes
    method: str
    query: str
    body: bytes
    headers: Headers
    content_type: str


class InvokeActs:
    """On the gateway's loop. `channel_of` finds an app's connections."""

    def __init__(
        self, channel_of: Callable[[str], AppChannel | None], circuits: Circuits, resources_of: Callable[[str | None], Resources]
    ) -> None:
        self._channel_of = channel_of
        self._circuits = circuits
        self._resources_of = resources_of

    async def invoke(self, caller: App, target: str, call: Call) -> Answer:
        """The app's answer. Raises a Refusal where there is none."""
        channel = self._channel_of(target)
        told = f"failed to invoke, id: {target}, err: "
        if channel is None:
            raise Refusal(500, "ERR_DIRECT_INVOKE", f"{told}no app has this id here. Start it with its app-id, or correct the id.")
        if channel.app.app_port is None:
            raise Refusal(500, "ERR_DIRECT_INVOKE", f"{told}the app listens at no port. Start it with its app-port.")
        policy = policy_for_app(self._resources_of(caller.app_id), caller.app_id, target)

        async def attempt() -> Attempt[Answer]:
            answer = await self._handed(channel, caller, call, has_policy=policy.retry is not None)
            return Attempt(answer, not 200 <= answer.status <= 399, answer.status)  # noqa: PLR2004  # the numbers of HTTP

        try:
            return await self._circuits.run(policy, target, attempt)
        except CircuitOpen as error:
            raise Refusal(500, "ERR_DIRECT_INVOKE", f"{told}{error}", grpc_code=grpc.StatusCode.UNAVAILABLE) from error
        except TooSlow as error:
            raise Refusal(500, "ERR_DIRECT_INVOKE", f"{told}{error}", grpc_code=grpc.StatusCode.DEADLINE_EXCEEDED) from error
        except WflabError as error:
            raise Refusal(500, "ERR_DIRECT_INVOKE", f"{told}{error}", grpc_code=grpc.StatusCode.UNAVAILABLE) from error

    async def _handed(self, channel: AppChannel, caller: App, call: Call, *, has_policy: bool) -> Answer:
        tries = 0
        while True:
            tries += 1
            try:
                return await _handed_once(channel, caller, call)
            except AppUnreachable:
                if has_policy or tries >= UNREACHED_TRIES or await channel.listens():  # else the call may have begun
                    raise
                await asyncio.sleep(UNREACHED_WAIT_SECONDS)


async def _handed_once(channel: AppChannel, caller: App, call: Call) -> Answer:
    said = [*call.headers, ("dapr-caller-app-id", caller.app_id or ""), ("dapr-callee-app-id", channel.app.app_id or "")]
    if channel.app.app_protocol == "http":
        return await channel.request(call.verb, call.raw_path, content=call.body, headers=said)
    request = wire.InvokeRequest(
        method=call.method,
        data=Packed(value=call.body),
        content_type=call.content_type,
        http_extension=wire.HTTPExtension(verb=_VERBS.get(call.verb, 0), querystring=call.query),  # type: ignore[arg-type]  # a number is one
    )
    metadata = {name.lower(): value for name, value in said if _is_metadata(name, value)}
    try:
        answer = await channel.call("OnInvoke", request, wire.InvokeResponse, metadata)
    except grpc.aio.AioRpcError as error:
        body = msgspec.json.encode({"code": error.code().value[0], "message": error.details() or ""})
        return Answer(http_of(error.code()), [("content-type", "application/json")], body)
    return Answer(200, [("content-type", answer.content_type or "application/json")], answer.data.value)


def _is_metadata(name: str, value: str) -> bool:
    """Whether gRPC takes it: not what belongs to HTTP or to gRPC itself, and plain text."""
    own = name.lower().startswith(("grpc-", ":")) or name.lower() in {"content-type", "content-length", "te", "user-agent", "host"}
    return not own and value.isascii() and value.isprintable() and not name.lower().endswith("-bin")
