"""The environment that a program is started with: the lab's own, what `dapr run` gives, and what its spec says, in this order."""

import os
from collections.abc import Mapping

from wfengine.gateway.launching.spec import ProgramSpec

# They would lead the program past its sidecar, wherever the lab itself was started.
_ELSEWHERE = ("DAPR_HTTP_ENDPOINT", "DAPR_GRPC_ENDPOINT", "DAPR_API_TOKEN", "APP_API_TOKEN", "DAPR_RUNTIME_HOST", "APP_PORT")


def environment_of(
    spec: ProgramSpec,
    *,
    http_port: int,
    grpc_port: int,
    api_token: str | None = None,
    app_api_token: str | None = None,
    own: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The whole environment; `own` stands for the lab's (`os.environ`).

    As `dapr run` does it: APP_ID, APP_PORT (where there is one), APP_PROTOCOL, APP_CHANNEL_ADDRESS, DAPR_HTTP_PORT and DAPR_GRPC_PORT, beside the
    tokens. Python programs are asked to write each line as it comes.
    """
    inherited = {name: value for name, value in (os.environ if own is None else own).items() if name not in _ELSEWHERE}
    given = {
        "APP_ID": spec.app_id,
        "APP_PORT": None if spec.app_port is None else str(spec.app_port),
        "APP_PROTOCOL": spec.app_protocol,
        "APP_CHANNEL_ADDRESS": spec.app_host,
        "DAPR_HTTP_PORT": str(http_port),
        "DAPR_GRPC_PORT": str(grpc_port),
        "DAPR_API_TOKEN": api_token,
        "APP_API_TOKEN": app_api_token,
    }
    ours = {name: value for name, value in given.items() if value is not None}
    return {"PYTHONUNBUFFERED": "1", **inherited, **ours, **spec.env}
