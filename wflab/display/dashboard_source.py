"""Where a dashboard gets its pictures from: the survey of the lab's runs through its filter, made anew only when something changed.

The filter, the page and what is marked are the source's, so that the notebook (`dash.selection`) and every page that shows it agree.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from time import monotonic
from typing import Any

import msgspec

from wfengine.errors import EngineStopped, InvalidArgument, StoreError
from wfengine.model.work import AuditRow
from wfengine.runtime.engine import Engine
from wflab import protocol
from wflab.analytics.fleet import failing, heat, lengths, slo, stuck, success
from wflab.analytics.fleet.answer import Asked
from wflab.analytics.fleet.population import Scope, checked_status
from wflab.analytics.fleet.questions import Fleet, Window
from wflab.analytics.fleet.survey import ORDERS, PAGE, Choice, chosen, survey
from wflab.display.dashboard_bulk import Desk, bulk
from wflab.display.dashboard_explained import NUMBERS, explained
from wflab.display.source import no_such_question
from wflab.protocol.dashboard import DashboardFilter, DashboardPicture, ExplainedNumber
from wflab.views.dashboard_picture import dashboard_picture

_FRESH_S = 1.0
_KEYS_OF = "SELECT max(instance) FROM runs WHERE instance_id IN (SELECT unnest($ids)) GROUP BY instance_id ORDER BY 1 DESC"


class DashboardSource:
    """A source (see `source.Source`). `selected` are the ids that are marked; `audit` makes the row that an act is recorded with."""

    instance_id = None
    freezes = False
    pause_s = 2.0

    def __init__(
        self,
        engine: Engine,
        fleet: Fleet,
        *,
        lab: str,
        audit: Callable[[str, str], AuditRow],
        filter: DashboardFilter | None = None,
        held_to: slo.SLO | None = None,
    ) -> None:
        self.filter = filter or DashboardFilter()
        self.selected: list[str] = []
        self._engine = engine
        self._fleet = fleet
        self._lab = lab
        self._audit = audit
        self._slo = held_to
        self._order, self._first, self._page = "-created", 0, PAGE
        self._latest: DashboardPicture | None = None
        self._is_stale = True
        self._made_at = 0.0
        self.scope()  # raises where the filter cannot be meant

    @property
    def slo(self) -> slo.SLO | None:
        """What runs are held to: this dashboard's own, or the lab's."""
        return self._slo or self._fleet.slo

    def concerns(self, _: Collection[str]) -> bool:
        """Whatever happens is counted."""
        self._is_stale = True
        return True

    def renew(self) -> None:
        """Make the next picture anew: time has passed, or a person asks for it."""
        self._is_stale = True

    def scope(self) -> Scope:
        """The filter, but for what chooses among the instances. Raises InvalidArgument."""
        given = self.filter
        return self._fleet.scope(
            Window(given.since or None, given.until or None),
            name=given.name or None,
            version=given.version,
            tag=given.tag or None,
            text=given.text or None,
            children=given.children,
        )

    def choice(self) -> Choice:
        """What chooses among the instances."""
        given = self.filter
        return Choice(
            status=given.status or None,
            error=given.error or None,
            reached=given.reached or None,
            reached_state=given.reached_state or None,
            order=self._order,
            first=self._first,
            page=self._page,
        )

    def keys(self) -> list[int]:
        """The executions that are marked; where none is, all that the filter leaves. The newest first."""
        with self._engine.store.cursor() as cursor:
            if self.selected:
                return [key for (key,) in cursor.execute(_KEYS_OF, {"ids": self.selected}).fetchall()]
            return chosen(cursor, self.scope(), self.choice())

    def picture(self) -> DashboardPicture:
        """All of it; once the engine has stopped or cannot read, what was last seen, with the reason."""
        last = self._latest
        trouble = self._engine.trouble
        if last is not None and not self._is_stale and last.trouble == trouble and monotonic() - self._made_at < _FRESH_S:
            return last
        self._is_stale = False
        try:
            self._latest = self._surveyed(trouble)
        except (EngineStopped, StoreError) as error:
            if last is None:
                raise
            self._latest = msgspec.structs.replace(last, trouble=str(error), ticks=False)
        self._made_at = monotonic()
        return self._latest

    def answer(self, request: protocol.Request) -> Any:
        """`filter`, `page` and `select` change what is shown; `explain` tells a number's SQL; `bulk` acts on many, after a dry run."""
        given = request.arguments
        match request.what:
            case "filter":
                self.look_at(given)
                return None
            case "page":
                return self._turn(given)
            case "select":
                ids = given.get("ids")
                self.selected = [str(one) for one in ids] if isinstance(ids, list) else []
                self._is_stale = True
                return None
            case "explain":
                return msgspec.to_builtins(self.explain(str(given.get("what"))))
            case "bulk":
                count = given.get("count")
                done = bulk(Desk(self._engine, self._audit), self.keys(), str(given.get("verb")), count if isinstance(count, int) else None)
                self._is_stale = True
                return msgspec.to_builtins(done)
        raise no_such_question(request)

    def look_at(self, changes: Mapping[str, Any]) -> None:
        """Change fields of the filter; the rest of it stays. Raises InvalidArgument, and nothing is changed then."""
        before = self.filter
        try:
            self.filter = msgspec.convert({**msgspec.structs.asdict(before), **changes}, DashboardFilter)
            if self.filter.status not in {"", "UNKNOWN"}:
                self.filter = msgspec.structs.replace(self.filter, status=checked_status(self.filter.status))
            self.scope()
        except (msgspec.ValidationError, InvalidArgument) as error:
            self.filter = before
            raise InvalidArgument(str(error)) from None
        self.selected, self._first, self._is_stale = [], 0, True

    def explain(self, what: str) -> ExplainedNumber:
        """Where a number comes from. Raises InvalidArgument with those there are."""
        if what not in NUMBERS:
            raise InvalidArgument(f"{what!r} is no number of the dashboard; there are {', '.join(NUMBERS)}.")
        return explained(what, self.asked(what), self.filter)

    def asked(self, what: str) -> Asked:
        """The query of a number of the dashboard, over the filter's runs."""
        scope, now = self.scope(), self._engine.now()
        match what:
            case "p95":
                return lengths.asked(scope, None)
            case "heat":
                return self._heat_asked(scope)
            case "stuck":
                return stuck.asked(msgspec.structs.replace(scope, children=True), now, self._fleet.known(), self._fleet.bounds(self.slo))
            case "burn":
                return slo.asked(scope, self.slo or slo.SLO(), now)
            case "failures":
                return failing.asked(scope)
            case "running":
                return success.asked(scope, "status", canceled=self.filter.canceled)
            case _:
                by = ["name", "version"] if what == "workflows" else None
                return success.asked(scope, by, canceled=self.filter.canceled)

    def _heat_asked(self, scope: Scope) -> Asked:
        """Over the time that is shown, and of the state that is chosen; a failure or a call that is chosen is not in the query, and it says so."""
        shown, chosen = self.picture(), self.choice()
        of = msgspec.structs.replace(scope, status=None if chosen.status == "UNKNOWN" else chosen.status)
        begin, end = (datetime.fromtimestamp(moment / 1000, UTC) for moment in (shown.begin, shown.end))
        asked = heat.asked(of, begin, end)
        if chosen.error is None and chosen.reached is None and chosen.status != "UNKNOWN":
            return asked
        told = (
            f"{asked.definition} The map shows only those of the chosen failure, call or unknown state; this query counts the others, too."
        )
        return msgspec.structs.replace(asked, definition=told)

    def _turn(self, given: Mapping[str, Any]) -> None:
        order, first, page = given.get("order", self._order), given.get("first", 0), given.get("page", self._page)
        if not isinstance(order, str) or order.removeprefix("-") not in ORDERS or not isinstance(first, int) or not isinstance(page, int):
            raise InvalidArgument(f"A page is asked for by its first row and an order: {', '.join(ORDERS)}.")
        self._order, self._first, self._page, self._is_stale = order, max(0, first), max(1, page), True

    def _surveyed(self, trouble: str | None) -> DashboardPicture:
        engine, fleet, now = self._engine, self._fleet, self._engine.now()
        with engine.store.cursor() as cursor:
            found = survey(
                cursor,
                self.scope(),
                self.choice(),
                held_to=self.slo or slo.SLO(),
                bounds=fleet.bounds(self.slo),
                known=fleet.known(),
                now=now,
                canceled=self.filter.canceled,
            )
        return dashboard_picture(
            found,
            lab=self._lab,
            now=now,
            ticks=not engine.virtual_time.is_on,
            filter=self.filter,
            slo=self.slo,
            first=self._first,
            order=self._order,
            chosen=self.selected,
            trouble=trouble,
        )


def filter_given(filter: Mapping[str, Any]) -> dict[str, Any]:
    """A filter as people write it, as the page has it: spans and moments as text, statuses by name. Raises InvalidArgument for what there is not."""
    unknown = set(filter) - set(DashboardFilter.__struct_fields__)
    if unknown:
        raise InvalidArgument(f"There is no filter {min(unknown)!r}; there are {', '.join(DashboardFilter.__struct_fields__)}.")
    return {name: _plain(value) for name, value in filter.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}s"
    return value.name if isinstance(value, Enum) else value
