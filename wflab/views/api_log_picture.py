"""What the API log shows, from the answers to its questions; the filter as Python."""

from datetime import UTC, datetime

import msgspec

from wflab.analytics.api_calls import Asked, Call, CallSurvey
from wflab.protocol.api_log import ApiCallDetail, ApiCallRow, ApiLogFilter, ApiLogPicture, CallGroup
from wflab.views.head import milliseconds

MOST_IN_SNAPSHOT = 100


def api_log_picture(  # noqa: PLR0913  # what was asked, and in what light
    found: CallSurvey,
    *,
    lab: str,
    now: datetime,
    filter: ApiLogFilter,
    order: str,
    first: int,
    page: int,
    is_paused: bool,
    dropped: int,
    served: str,
    trouble: str | None,
) -> ApiLogPicture:
    """The picture."""
    return ApiLogPicture(
        lab=lab,
        now=milliseconds(now),
        ticks=False,
        filter=filter,
        code=code_of(filter),
        apps=[CallGroup(name=name, count=count, failed=failed) for name, count, failed in found.apps],
        apis=[CallGroup(name=name, count=count, failed=failed) for name, count, failed in found.apis],
        total=found.total,
        failed=found.failed,
        everything=found.everything,
        p50=found.p50,
        p95=found.p95,
        begin=milliseconds(now) if found.begin is None else _ms(found.begin),
        end=milliseconds(now) if found.end is None else _ms(found.end),
        bins=found.bins,
        calls=[row_of(call) for call in found.calls],
        first=first,
        page=page,
        order=order,
        is_paused=is_paused,
        newer=found.newer,
        dropped=dropped,
        served=served,
        trouble=trouble,
    )


def row_of(call: Call) -> ApiCallRow:
    """A line of the table."""
    return ApiCallRow(
        place=call.place,
        at=_ms(call.occurred_at),
        app=call.app,
        api=call.api,
        method=call.method,
        target=call.target,
        status=call.status,
        is_failed=call.is_failed,
        took_ms=call.duration_ms,
        caller=call.caller,
        error=call.error,
    )


def detail_of(asked: Asked) -> ApiCallDetail:
    """All of a call."""
    return ApiCallDetail(
        call=row_of(asked.call),
        trace=asked.trace,
        request_bytes=asked.request_bytes,
        response_bytes=asked.response_bytes,
        instance_id="" if asked.workflow is None else asked.call.target,
        workflow=asked.workflow or "",
        others=[row_of(call) for call in asked.others],
        others_total=asked.others_total,
    )


def cut(picture: ApiLogPicture) -> ApiLogPicture:
    """What a notebook keeps: not all of a long page."""
    return msgspec.structs.replace(picture, calls=picture.calls[:MOST_IN_SNAPSHOT])


def code_of(filter: ApiLogFilter) -> str:
    """The filter as the call that gives it."""
    defaults = ApiLogFilter()
    given = [f"{name}={value!r}" for name, value in msgspec.structs.asdict(filter).items() if value != getattr(defaults, name)]
    return f"lab.api_log({', '.join(given)})"


def _ms(at: datetime) -> float:
    return milliseconds(at.replace(tzinfo=UTC))
