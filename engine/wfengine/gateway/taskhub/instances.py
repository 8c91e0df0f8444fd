"""Instances as clients of the task hub see them: state, pages of ids, history, and deleting. What reads the record blocks: call it on a thread."""

import base64
import binascii

from wfengine.errors import InstanceNotFound, InvalidArgument
from wfengine.gateway.taskhub.scalars import OUR_STATUSES, STATUSES, as_it_came, failure_on_wire, moment, text, timestamp
from wfengine.gateway.taskhub.telling import Telling, whole
from wfengine.gateway.wire import taskhub_pb2 as pb
from wfengine.model.history import ChildWorkflowInstanceCreated, ContinuedAsNew, ExecutionCompleted, TaskScheduled, TimerCreated
from wfengine.model.instance import TERMINAL, Instance
from wfengine.runtime.engine import Engine
from wfengine.store.family import family

LARGEST_PAGE = 1000
_ENDS = ExecutionCompleted | ContinuedAsNew


def response(instance: Instance, *, with_payloads: bool) -> pb.GetInstanceResponse:
    """The state of an instance. Payloads and failure are told only where they are asked for."""
    state = pb.WorkflowState(
        instanceId=instance.instance_id,
        name=instance.name,
        version=text(instance.version),
        workflowStatus=STATUSES[instance.status],
        createdTimestamp=timestamp(instance.created_at),
        lastUpdatedTimestamp=timestamp(instance.updated_at),
        executionId=text(str(instance.key)),
        tags=instance.tags,
    )
    if instance.scheduled_start is not None:
        state.scheduledStartTimestamp.CopyFrom(timestamp(instance.scheduled_start))
    if instance.status.is_terminal:
        state.completedTimestamp.CopyFrom(timestamp(instance.updated_at))
    if instance.parent is not None:
        state.parentInstanceId.value = instance.parent.instance_id
    if with_payloads:
        for field, value in (("input", instance.input), ("output", instance.output), ("customStatus", instance.custom_status)):
            if value is not None:
                getattr(state, field).value = as_it_came(value)
        if instance.failure is not None:
            state.failureDetails.CopyFrom(failure_on_wire(instance.failure))
    return pb.GetInstanceResponse(exists=True, workflowState=state)


def history(engine: Engine, instance_id: str) -> pb.GetInstanceHistoryResponse:
    """All that is recorded. Raises InstanceNotFound."""
    events = [row.event for row in engine.history(instance_id)]
    end = [event for event in events if isinstance(event, _ENDS)]
    return pb.GetInstanceHistoryResponse(events=[*Telling().tell(events), *whole(end)])


def event_kind(engine: Engine, instance_id: str, event_id: int) -> str | None:
    """What asked for this number, of what can be rerun. Raises InstanceNotFound."""
    for row in engine.history(instance_id):
        event = row.event
        if isinstance(event, TaskScheduled | TimerCreated | ChildWorkflowInstanceCreated) and event.event_id == event_id:
            return type(event).__name__
    return None


def listed(engine: Engine, app_id: str | None, request: pb.ListInstanceIDsRequest) -> pb.ListInstanceIDsResponse:
    """A page of ids, oldest first. Raises InvalidArgument for a token that is none of ours."""
    size = min(request.pageSize or LARGEST_PAGE, LARGEST_PAGE)
    after = _read_token(request.continuationToken) if request.HasField("continuationToken") else -1
    with engine.store.cursor() as cursor:
        rows = cursor.execute(
            "SELECT instance_id, max(instance) AS newest FROM runs WHERE app_id IS NOT DISTINCT FROM $app "
            "GROUP BY instance_id HAVING min(instance) > $after ORDER BY min(instance) LIMIT $size",
            {"app": app_id, "after": after, "size": size + 1},
        ).fetchall()
        page = pb.ListInstanceIDsResponse(instanceIds=[row[0] for row in rows[:size]])
        if len(rows) > size:
            first = cursor.execute("SELECT min(instance) FROM runs WHERE instance_id = $id", {"id": rows[size - 1][0]}).fetchone()
            page.continuationToken = base64.urlsafe_b64encode(str(first[0] if first else 0).encode()).decode()
    return page


def _read_token(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token.encode()).decode())
    except (ValueError, binascii.Error, UnicodeError):
        raise InvalidArgument("That continuation token is not one that was given here; begin without one.") from None


def purge(engine: Engine, app_id: str | None, request: pb.PurgeInstancesRequest) -> int:
    """Delete; gives how many instances went. Raises InstanceNotFound, InstanceNotTerminal."""
    if request.WhichOneof("request") == "instanceId":
        return _purge_one(engine, request.instanceId, recursive=request.recursive, force=request.force)
    ids = _matching(engine, app_id, request.purgeInstanceFilter)
    count = 0
    for instance_id in ids:
        try:
            count += _purge_one(engine, instance_id, recursive=request.recursive, force=False)
        except InstanceNotFound:  # it went with its parent
            continue
    return count


def _purge_one(engine: Engine, instance_id: str, *, recursive: bool, force: bool) -> int:
    with engine.store.cursor() as cursor:
        kin = {found for _, found in family(cursor, instance_id, recursive=recursive)}
    engine.purge_workflow(instance_id, recursive=recursive, force=force)
    return max(len(kin), 1)


def _matching(engine: Engine, app_id: str | None, wanted: pb.PurgeInstanceFilter) -> list[str]:
    statuses = [OUR_STATUSES[number].value for number in wanted.runtimeStatus if number in OUR_STATUSES]
    chosen = [status for status in (statuses or [one.value for one in TERMINAL]) if status in {one.value for one in TERMINAL}]
    since = moment(wanted.createdTimeFrom) if wanted.HasField("createdTimeFrom") else None
    until = moment(wanted.createdTimeTo) if wanted.HasField("createdTimeTo") else None
    with engine.store.cursor() as cursor:
        rows = cursor.execute(
            "SELECT instance_id FROM instances WHERE app_id IS NOT DISTINCT FROM $app AND list_contains($statuses, status) "
            "AND ($since IS NULL OR created_at >= $since) AND ($until IS NULL OR created_at <= $until) ORDER BY created_at",
            {
                "app": app_id,
                "statuses": chosen,
                "since": since and since.replace(tzinfo=None),
                "until": until and until.replace(tzinfo=None),
            },
        ).fetchall()
    return [row[0] for row in rows]
