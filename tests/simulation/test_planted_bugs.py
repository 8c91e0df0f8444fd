"""The simulation is itself tested: each of these faults is put into the engine, and has to be found.

A fault that is not found within its runs is one that could be there now.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from datetime import timedelta
from typing import Any

import pytest

from wfengine.core import agenda, transitions, waits
from wfengine.core.agenda import Agenda
from wfengine.model.history import EventRaised, HistoryEvent, TaskScheduled, TimerCreated
from wfengine.model.instance import Instance
from wfengine.model.payload import from_json
from wfengine.model.work import Commit, HistoryRow
from wfengine.runtime import operations, purging, releasing, residents, retiring, turns
from wfengine.runtime.abroad import Abroad
from wfengine.runtime.activities import Activities
from wfengine.runtime.attempts import Attempt
from wfengine.runtime.population import Population
from wfengine.runtime.residents import Inbox, Resident
from wfengine.runtime.retiring import Retiring
from wfengine.runtime.taking_up import TakingUp
from wfengine.runtime.timers import DueTimer, Timers
from wfengine.runtime.turns import Turns
from wfengine.runtime.workflow_code import WorkflowCode
from wfengine.testing.simulation.campaign import campaign, violation_of
from wfengine.testing.simulation.disk import Disk
from wfengine.testing.simulation.faraway import FarawayExecutor
from wfengine.testing.simulation.library import Library
from wfengine.testing.simulation.store import SimulatedStore

Patch = pytest.MonkeyPatch
MOST_RUNS = 4_000


@pytest.fixture(scope="module")
def library() -> Library:
    return Library()


def nothing(*_: Any, **__: Any) -> None:
    """Left out."""


def the_sync_is_skipped(patch: Patch) -> None:
    patch.setattr(Disk, "sync", nothing)


def a_call_is_answered_before_its_commit_is_durable(patch: Patch) -> None:
    submit = Turns._submit

    def hasty(self: Turns, resident: Resident, transition: Any, acks: list[Future[None]]) -> None:
        submit(self, resident, transition, acks)
        for ack in acks:
            ack.set_result(None)

    patch.setattr(Turns, "_submit", hasty)


def a_purged_instance_has_another_turn(patch: Patch) -> None:
    patch.setattr(Turns, "_lives", lambda *_: True)


def a_childs_outcome_keeps_the_childs_time(patch: Patch) -> None:
    for room in (releasing, retiring):
        patch.setattr(room, "stamped", lambda _population, _resident, outcome: outcome)


def a_detached_workflow_goes_with_its_purged_starter(patch: Patch) -> None:
    patch.setattr(purging, "_goes_with", lambda *_: True)


def a_stalled_instance_is_not_tried_again(patch: Patch) -> None:
    patch.setattr(WorkflowCode, "defined", lambda *_: [])


def an_inline_step_sticks_to_code_that_disagrees(patch: Patch) -> None:
    inline = WorkflowCode.inline

    def stubborn(self: WorkflowCode, resident: Resident, task: TaskScheduled) -> Any:
        before = resident.instance
        try:
            return inline(self, resident, task)
        finally:
            resident.instance = before

    patch.setattr(WorkflowCode, "inline", stubborn)


def an_attempt_is_forgotten_at_recovery(patch: Patch) -> None:
    patch.setattr(Activities, "take_up", nothing)


def an_attempt_is_made_twice(patch: Patch) -> None:
    begin = Activities._begin

    def eager(self: Activities, attempt: Attempt) -> None:
        begin(self, attempt)
        begin(self, attempt)

    patch.setattr(Activities, "_begin", eager)


def an_activity_starts_before_its_commit_is_durable(patch: Patch) -> None:
    submit = Turns._submit

    def hasty(self: Turns, resident: Resident, transition: Any, acks: list[Future[None]]) -> None:
        for task in transition.activities:
            resident.note(task)
            self.activities.start(resident, task)
        submit(self, resident, transition, acks)

    patch.setattr(Turns, "_submit", hasty)


def an_outcome_is_taken_twice(patch: Patch) -> None:
    note = Resident.note

    def gullible(self: Resident, event: HistoryEvent) -> bool:
        note(self, event)
        return True

    patch.setattr(Resident, "note", gullible)


def an_event_is_delivered_twice(patch: Patch) -> None:
    arrive = Turns.arrive

    def generous(self: Turns, resident: Resident, event: HistoryEvent, ack: Any = None, audit: Any = None) -> None:
        arrive(self, resident, event, ack, audit)
        if isinstance(event, EventRaised):
            arrive(self, resident, event)

    patch.setattr(Turns, "arrive", generous)


def an_answer_goes_to_the_oldest_wait_for_its_event(patch: Patch) -> None:
    patch.setattr(waits, "ahead", lambda *_: None)


def an_answer_is_delivered_whether_its_wait_is_open_or_not(patch: Patch) -> None:
    patch.setattr(operations, "_refusal", lambda *_: None)


def an_answer_that_is_refused_is_delivered_all_the_same(patch: Patch) -> None:
    refusal = operations._refusal

    def two_faced(turns: Turns, resident: Resident, wait: Any, event: EventRaised) -> Any:
        refused = refusal(turns, resident, wait, event)
        if refused is not None:
            turns.arrive(resident, event)
        return refused

    patch.setattr(operations, "_refusal", two_faced)


def the_newest_event_is_taken_first(patch: Patch) -> None:
    take = Agenda.take_event

    def backwards(self: Agenda, name: str) -> Any:
        (self._arrived or []).reverse()
        try:
            return take(self, name)
        finally:
            (self._arrived or []).reverse()

    patch.setattr(Agenda, "take_event", backwards)


def the_newest_waiter_is_served_first(patch: Patch) -> None:
    deliver = Agenda.deliver

    def backwards(self: Agenda, event: EventRaised) -> None:
        waiters = self._waiting.get(event.name.casefold())
        if waiters:
            waiters.insert(0, waiters.pop())
        deliver(self, event)

    patch.setattr(Agenda, "deliver", backwards)


def event_names_are_told_apart_by_case(patch: Patch) -> None:
    deliver = Agenda.deliver

    def strict(self: Agenda, event: EventRaised) -> None:
        if event.name == event.name.casefold():
            deliver(self, event)
        else:
            self.keep(event)

    patch.setattr(Agenda, "deliver", strict)


def falsy_payloads_are_lost(patch: Patch) -> None:
    patch.setattr(agenda, "from_json", lambda text: from_json(text) or None)


def falsy_events_are_not_carried_over(patch: Patch) -> None:
    unconsumed = Agenda.unconsumed_events
    patch.setattr(Agenda, "unconsumed_events", lambda self: tuple(event for event in unconsumed(self) if from_json(event.input)))


def the_first_event_is_not_carried_over(patch: Patch) -> None:
    unconsumed = Agenda.unconsumed_events
    patch.setattr(Agenda, "unconsumed_events", lambda self: unconsumed(self)[1:])


def what_comes_between_two_generations_is_lost(patch: Patch) -> None:
    hand_over = Retiring._hand_over

    def forgetful(self: Retiring, old: Resident, successor: Resident) -> None:
        if successor.inbox:
            successor.inbox.events = []
        hand_over(self, old, successor)

    patch.setattr(Retiring, "_hand_over", forgetful)


def a_commit_is_applied_twice_at_recovery(patch: Patch) -> None:
    recover = SimulatedStore._recover

    def twice(self: SimulatedStore) -> None:
        recover(self)
        for payload in self.recovered[-1:]:
            self.apply(self._decoder.decode(payload))

    patch.setattr(SimulatedStore, "_recover", twice)


def lost_at_recovery(patch: Patch, lose: Callable[[Resident], None]) -> None:
    recovered = residents.recovered

    def forgetful(instance: Instance, rows: Iterable[HistoryRow], *more: Any, **named: Any) -> Resident:
        resident = recovered(instance, rows, *more, **named)
        lose(resident)
        return resident

    patch.setattr(turns, "recovered", forgetful)


def timers_are_lost_at_recovery(patch: Patch) -> None:
    lost_at_recovery(patch, lambda resident: resident.timers.clear())


def what_a_child_had_to_tell_is_not_made_up_for_at_recovery(patch: Patch) -> None:
    patch.setattr(TakingUp, "remember_family", nothing)


def unseen_events_are_forgotten_at_recovery(patch: Patch) -> None:
    lost_at_recovery(patch, lambda resident: setattr(resident, "unseen", ()))


def the_clock_may_go_back(patch: Patch) -> None:
    patch.setattr(Population, "now_for", lambda self, _resident: self.clock.now())


def timers_fire_an_hour_early(patch: Patch) -> None:
    pop_due = Timers.pop_due

    def early(self: Timers, now: Any) -> list[DueTimer]:
        return pop_due(self, now + timedelta(hours=1))

    patch.setattr(Timers, "pop_due", early)


def a_purge_forgets_an_execution(patch: Patch) -> None:
    submit = SimulatedStore.submit

    def sparing(self: SimulatedStore, commit: Commit, token: object) -> None:
        submit(self, Commit(audit=commit.audit, purged=commit.purged[1:]) if commit.purged else commit, token)

    patch.setattr(SimulatedStore, "submit", sparing)


def children_outlive_a_recursive_termination(patch: Patch) -> None:
    patch.setattr(retiring, "is_child", lambda *_: False)


def a_child_takes_the_id_of_a_live_instance(patch: Patch) -> None:
    patch.setattr(Population, "claim_key", lambda self, _instance_id: self.new_key())


def a_timer_is_recorded_a_second_late(patch: Patch) -> None:
    def late(**fields: Any) -> TimerCreated:
        fire_at = fields.pop("fire_at")
        return TimerCreated(fire_at=None if fire_at is None else fire_at + timedelta(seconds=1), **fields)

    patch.setattr(transitions, "TimerCreated", late)


def a_lost_turn_is_never_made_again(patch: Patch) -> None:
    patch.setattr(WorkflowCode, "workers_came", lambda *_: [])
    patch.setattr(WorkflowCode, "defined", lambda *_: [])


def what_people_send_during_the_last_turn_of_a_generation_is_lost(patch: Patch) -> None:
    patch.setattr(Abroad, "_hand_on", nothing)


def what_comes_during_a_turn_elsewhere_keeps_its_time(patch: Patch) -> None:
    patch.setattr(Inbox, "not_before", nothing)


def what_a_recalled_turn_took_up_is_lost(patch: Patch) -> None:
    come_back = Resident.come_back

    def forgetful(self: Resident) -> None:
        since = self.inbox
        come_back(self)
        self.inbox = since

    patch.setattr(Resident, "come_back", forgetful)


def a_recalled_turn_counts_all_the_same(patch: Patch) -> None:
    patch.setattr(FarawayExecutor, "recall", nothing)


PLANTED: list[Callable[[Patch], None]] = [
    the_sync_is_skipped,
    a_purged_instance_has_another_turn,
    a_childs_outcome_keeps_the_childs_time,
    a_detached_workflow_goes_with_its_purged_starter,
    a_stalled_instance_is_not_tried_again,
    an_inline_step_sticks_to_code_that_disagrees,
    an_attempt_is_forgotten_at_recovery,
    an_attempt_is_made_twice,
    a_call_is_answered_before_its_commit_is_durable,
    an_activity_starts_before_its_commit_is_durable,
    an_outcome_is_taken_twice,
    an_event_is_delivered_twice,
    an_answer_goes_to_the_oldest_wait_for_its_event,
    an_answer_is_delivered_whether_its_wait_is_open_or_not,
    an_answer_that_is_refused_is_delivered_all_the_same,
    the_newest_event_is_taken_first,
    the_newest_waiter_is_served_first,
    event_names_are_told_apart_by_case,
    falsy_payloads_are_lost,
    falsy_events_are_not_carried_over,
    the_first_event_is_not_carried_over,
    what_comes_between_two_generations_is_lost,
    a_commit_is_applied_twice_at_recovery,
    timers_are_lost_at_recovery,
    what_a_child_had_to_tell_is_not_made_up_for_at_recovery,
    unseen_events_are_forgotten_at_recovery,
    the_clock_may_go_back,
    timers_fire_an_hour_early,
    a_purge_forgets_an_execution,
    children_outlive_a_recursive_termination,
    a_child_takes_the_id_of_a_live_instance,
    a_timer_is_recorded_a_second_late,
    a_lost_turn_is_never_made_again,
    what_people_send_during_the_last_turn_of_a_generation_is_lost,
    what_comes_during_a_turn_elsewhere_keeps_its_time,
    what_a_recalled_turn_took_up_is_lost,
    a_recalled_turn_counts_all_the_same,
]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_the_simulation_finds_that(plant: Callable[[Patch], None], monkeypatch: Patch, library: Library) -> None:
    plant(monkeypatch)
    tally, found = campaign(seed=1, runs=MOST_RUNS, library=library)
    assert found is not None, f"not found in {tally}"
    print(f"found in run {found.number}, {len(found.tape)} bytes: {found.violation}")  # noqa: T201  # `pytest -rP` shows the stories
    assert str(violation_of(found.tape, library)) == str(found.violation), "the printed tape shows it again"
    monkeypatch.undo()
    assert violation_of(found.tape, library) is None, "without the fault the same run is sound"
