"""What a sidecar answers when it cannot do what was asked: one error with the words of both protocols, as Dapr's runtime gives them."""

from http import HTTPStatus

import grpc

from wfengine.errors import WflabError

_GRPC = {
    HTTPStatus.BAD_REQUEST: grpc.StatusCode.INVALID_ARGUMENT,
    HTTPStatus.UNAUTHORIZED: grpc.StatusCode.UNAUTHENTICATED,
    HTTPStatus.FORBIDDEN: grpc.StatusCode.PERMISSION_DENIED,
    HTTPStatus.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    HTTPStatus.CONFLICT: grpc.StatusCode.ABORTED,
    HTTPStatus.REQUEST_TIMEOUT: grpc.StatusCode.DEADLINE_EXCEEDED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: grpc.StatusCode.RESOURCE_EXHAUSTED,
    HTTPStatus.NOT_IMPLEMENTED: grpc.StatusCode.UNIMPLEMENTED,
    HTTPStatus.SERVICE_UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT: grpc.StatusCode.DEADLINE_EXCEEDED,
}


class Refusal(WflabError):
    """The request is not carried out. `error_code` is Dapr's word (ERR_...), `http` and `grpc_code` the two statuses."""

    def __init__(self, http: int, error_code: str, message: str, *, grpc_code: grpc.StatusCode | None = None) -> None:
        super().__init__(message)
        self.http = HTTPStatus(http)
        self.error_code = error_code
        self.message = message
        self.grpc_code = grpc_code or _GRPC.get(self.http, grpc.StatusCode.INTERNAL)


def of_error(error: Exception) -> Refusal:
    """What a caller is told of an error that no door has words for; our own say what to do, others only what they are."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, WflabError):
        return Refusal(500, "ERR_INTERNAL", str(error))
    return Refusal(500, "ERR_INTERNAL", f"The gateway failed: {type(error).__name__}. Its log has the details.")
