"""What can be done to many runs: each act with who it is not for, and what it means in words."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from wfengine.core.arguments import name_of
from wfengine.errors import InvalidArgument
from wfengine.model.instance import Instance, Status
from wfengine.model.payload import UNSET
from wfengine.model.work import AuditRow
from wflab.bulk import Acting, BulkAct, Verb, Way, planned

# The first attempt's event of the call that failed last, or of the first call of a name: its span's `call_id` ends with it.
_FAILED = """
    SELECT key, split_part(arg_max(call_id, sequence), ':a', 2)::BIGINT FROM spans
    WHERE list_contains($keys, key) AND kind IN ('activity', 'child') AND state = 'FAILED' AND attempt = attempts GROUP BY key
"""
_NAMED = """
    SELECT key, split_part(arg_min(call_id, sequence), ':a', 2)::BIGINT FROM spans
    WHERE list_contains($keys, key) AND kind IN ('activity', 'child', 'timer') AND name = $name GROUP BY key
"""


class BulkActs:
    """Makes the dry runs for `instances`, which the code `chain` found; `where` is the door that the acts are recorded with."""

    def __init__(self, bench: Acting, instances: Sequence[Instance], chain: str, *, where: str = "runs") -> None:
        self._bench = bench
        self._where = where
        self._instances = instances
        self._chain = chain

    def terminate(self, output: Any = None, *, recursive: bool = True) -> BulkAct:
        """End them."""
        children = "its children with it" if recursive else "its children go on"
        meaning = f"each ends now as TERMINATED, {children}; activities under way are not stopped, their results are ignored"
        engine = self._bench.engine
        return self._plan(
            "terminate",
            [_argument("output", output, None), _argument("recursive", recursive, True)],  # noqa: FBT003  # the default
            meaning,
            _ended,
            lambda one, audit: engine.terminate_workflow_soon(one.instance_id, output=output, recursive=recursive, audit=audit),
            takes_children=recursive,
        )

    def suspend(self) -> BulkAct:
        """Let them rest."""
        engine = self._bench.engine
        return self._plan(
            "suspend",
            [],
            "each rests: what arrives waits, in order, until it is resumed; activities under way finish",
            lambda one: _ended(one) or ("is suspended already" if one.status is Status.SUSPENDED else None),
            lambda one, audit: engine.pause_workflow_soon(one.instance_id, audit=audit),
        )

    def resume(self) -> BulkAct:
        """Let them go on."""
        engine = self._bench.engine
        return self._plan(
            "resume",
            [],
            "each goes on with what has arrived meanwhile",
            lambda one: _ended(one) or (None if one.status is Status.SUSPENDED else f"is not suspended ({one.status})"),
            lambda one, audit: engine.resume_workflow_soon(one.instance_id, audit=audit),
        )

    def purge(self, *, recursive: bool = True, force: bool = False) -> BulkAct:
        """Delete them."""
        whose = "and its children's" if recursive else "but not its children's"
        meaning = f"each is deleted with its whole history {whose}; this cannot be undone"
        engine = self._bench.engine

        def refusal(one: Instance) -> str | None:
            return None if force or one.status.is_terminal else f"has not ended ({one.status}); purge(force=True) would end and delete it"

        return self._plan(
            "purge",
            [_argument("recursive", recursive, True), _argument("force", force, False)],  # noqa: FBT003  # the defaults
            meaning,
            refusal,
            lambda one, audit: engine.purge_workflow(one.instance_id, recursive=recursive, force=force, audit=audit),
            takes_children=recursive,
        )

    def raise_event(self, name: str, data: Any = None) -> BulkAct:
        """Send an event to them."""
        waiting = {awaited.instance.key for awaited in self._bench.engine.awaited() if awaited.wait.name.casefold() == name.casefold()}
        live = [one for one in self._instances if not one.status.is_terminal]
        now = sum(one.key in waiting for one in live)
        meaning = f"each gets the event {name!r}: {now:,} wait for it now, {len(live) - now:,} do not and keep it until they ask"
        engine = self._bench.engine
        return self._plan(
            "raise_event",
            [repr(name), _argument("data", data, None)],
            meaning,
            lambda one: "has ended: events for it are discarded" if one.status.is_terminal else None,
            lambda one, audit: engine.raise_workflow_event_soon(one.instance_id, name, data=data, audit=audit),
        )

    def rerun(self, from_step: str | None = None, *, input: Any = UNSET) -> BulkAct:
        """Do a step of each again, in a new run."""
        places = self._places(from_step)
        what = "the step that failed last" if from_step is None else f"the first step {from_step!r}"
        meaning = f"a new run for each, which shares its past up to {what}, does that again and goes on; the old ones stay as they are"

        def refusal(one: Instance) -> str | None:
            if not one.status.is_terminal:
                return f"has not ended ({one.status})"
            if one.parent is not None:
                return "is a child: rerun its parent from there"
            if one.key not in places:
                return "has no failed step; say from which: rerun('step')" if from_step is None else f"has no step {from_step!r}"
            return None

        def act(one: Instance, audit: AuditRow) -> str:
            event = places[one.key]
            told = msgspec.structs.replace(audit, what=f"rerun of {one.instance_id} from event {event}")
            return self._bench.engine.rerun_workflow_from_event(one.instance_id, event, input=input, audit=told)

        arguments = ["" if from_step is None else repr(from_step), "" if input is UNSET else f"input={input!r}"]
        return self._plan("rerun", arguments, meaning, refusal, act)

    def fork(
        self, at: int | None = None, *, edit: Mapping[int | str, Any] | None = None, code: Callable[..., Any] | str | None = None
    ) -> BulkAct:
        """Let each go another way, in a new run."""
        where = "up to its end" if at is None and not edit else f"up to event {at}" if at is not None else "up to what is edited"
        with_code = "" if code is None else f", on {name_of(code)}"
        meaning = f"a new run for each, which shares its past {where}, and goes on from there{with_code}; the old ones stay as they are"
        engine = self._bench.engine

        def act(one: Instance, audit: AuditRow) -> str:
            told = msgspec.structs.replace(audit, what=f"fork of {one.instance_id}" + ("" if at is None else f" at event {at}"))
            return engine.fork_workflow(one.instance_id, at, edit=edit, code=code, audit=told)

        arguments = ["" if at is None else repr(at), _argument("edit", edit, None), "" if code is None else f"code={name_of(code)!r}"]
        return self._plan("fork", arguments, meaning, lambda _: None, act)

    def _places(self, from_step: str | None) -> dict[int, int]:
        keys = [one.key for one in self._instances if one.status.is_terminal]
        query, given = (_FAILED, {}) if from_step is None else (_NAMED, {"name": from_step})
        with self._bench.engine.store.cursor() as cursor:
            return dict(cursor.execute(query, {"keys": keys, **given}).fetchall()) if keys else {}

    def _plan(
        self,
        verb: Verb,
        arguments: Iterable[str],
        meaning: str,
        refusal: Callable[[Instance], str | None],
        act: Callable[[Instance, AuditRow], Any],
        *,
        takes_children: bool = False,
    ) -> BulkAct:
        candidates = planned(self._instances, refusal, takes_children=takes_children)
        count = sum(one.refused is None for one in candidates)
        said = ", ".join(part for part in arguments if part)

        def audited(shown: Instance) -> Any:
            present = self._bench.engine.get_workflow_state(shown.instance_id)
            if present is None or present.key != shown.key:
                raise InvalidArgument("is gone: it was purged, or its id was used again")
            refused = refusal(present)
            if refused is not None:
                raise InvalidArgument(refused)
            audit = msgspec.structs.replace(self._bench.audit(verb, self._where), why=f"one of {count:,}: {self._chain}.{verb}({said})")
            return act(present, audit)

        return BulkAct(Way(verb=verb, arguments=said, meaning=meaning, act=audited), candidates, self._chain)


def _ended(one: Instance) -> str | None:
    return f"has ended ({one.status})" if one.status.is_terminal else None


def _argument(name: str, value: Any, default: Any) -> str:
    return "" if value is default or value == default else f"{name}={value!r}"
