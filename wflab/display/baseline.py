"""What the calls of a workflow usually take: of its last runs, or of one run. Worked out in SQL."""

from wfengine.errors import InstanceNotFound, InvalidArgument
from wfengine.model.instance import Instance
from wfengine.runtime.engine import Engine
from wflab import protocol

RUNS = 100
_LAST = """
    SELECT key FROM executions
    WHERE name = $name AND code_hash IS NOT DISTINCT FROM $hash AND app_id IS NOT DISTINCT FROM $app AND key <> $key AND status = 'COMPLETED'
    ORDER BY key DESC LIMIT $most
"""
# A call is as long as all its attempts and pauses together.
_CALLS = """
    WITH calls AS (
        SELECT kind, any_value(name) AS name, epoch_ms(max(ended_at)) - epoch_ms(min(queued_at)) AS took
        FROM spans
        WHERE instance_id IN (SELECT unnest($ids)) AND key IN (SELECT unnest($keys)) AND kind IN ('activity', 'child')
        GROUP BY key, kind, call_id
        HAVING bool_and(ended_at IS NOT NULL)
    )
    SELECT kind || ' ' || name, median(took), quantile_cont(took, 0.95) FROM calls GROUP BY kind, name
"""


def baseline_of(engine: Engine, instance: Instance, against: str | None = None) -> protocol.Baseline:
    """Of the run `against`, else of the last hundred completed runs of the same version. Raises InvalidArgument where there are none."""
    with engine.store.cursor() as cursor:
        if against is not None:
            other = engine.get_workflow_state(against)
            if other is None:
                raise InstanceNotFound(against)
            keys, label = [other.key], against[:8]
        else:
            wanted = {"name": instance.name, "hash": instance.code_hash, "app": instance.app_id, "key": instance.key, "most": RUNS}
            keys = [row[0] for row in cursor.execute(_LAST, wanted).fetchall()]
            label = f"p50 of {len(keys)} run{'' if len(keys) == 1 else 's'}"
        if not keys:
            raise InvalidArgument(f"There is no other completed run of this version of {instance.name} to compare with.")
        ids = [one.instance_id for one in engine.store.instances(keys)]
        found = cursor.execute(_CALLS, {"keys": keys, "ids": ids}).fetchall()
    return protocol.Baseline(label=label, runs=len(keys), usual={place: (float(p50), float(p95)) for place, p50, p95 in found})
