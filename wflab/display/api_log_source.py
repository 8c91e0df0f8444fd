"""Where the API log gets its pictures from: the calls through a filter, a page at a time, made anew when calls came or a person asked.

While somebody reads further down, or has pressed Pause, the pages stand where they stood; what comes meanwhile is counted.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from wfengine.errors import EngineStopped, InvalidArgument, StoreError
from wfengine.runtime.engine import Engine
from wflab import protocol
from wflab.analytics.api_calls import MOST_ON_A_PAGE, ORDERS, PAGE, CallScope, asked_about, survey
from wflab.display.source import no_such_question
from wflab.protocol.api_log import ApiLogFilter, ApiLogPicture
from wflab.served import Served
from wflab.views.api_log_picture import api_log_picture, detail_of

NEWEST_FIRST = "-at"
_FIELDS = ApiLogFilter.__struct_fields__


class ApiLogSource:
    """A source (see `source.Source`). `moment` reads a time as people write it; `served` tells of new calls."""

    instance_id = None
    freezes = False
    pause_s = 0.5

    def __init__(
        self,
        engine: Engine,
        *,
        lab: str,
        moment: Callable[[str | None], datetime | None],
        served: Served,
    ) -> None:
        self.filter = ApiLogFilter()
        self._engine = engine
        self._lab = lab
        self._moment = moment
        self._served = served
        self._order, self._first, self._page = NEWEST_FIRST, 0, PAGE
        self._is_paused = False
        self._stand: datetime | None = None
        self._latest: ApiLogPicture | None = None

    def concerns(self, _: Collection[str]) -> bool:
        """What happens to runs is no call."""
        return False

    def listen(self, changed: Callable[[], None]) -> Callable[[], None]:
        """New calls change the picture."""
        return self._served.listen(changed)

    def scope(self) -> CallScope:
        """The filter. Raises InvalidArgument where it cannot be meant."""
        given = self.filter
        return CallScope(
            app=given.app,
            api=given.api or None,
            failed=None if given.outcome == "" else given.outcome == "failed",
            since=self._moment(given.since or None),
            until=self._moment(given.until or None),
            text=given.text or None,
            trace=given.trace or None,
        )

    def look_at(self, changes: Mapping[str, Any]) -> None:
        """Change fields of the filter; the rest of it stays. Raises InvalidArgument, and nothing is changed then."""
        before = self.filter
        try:
            self.filter = msgspec.convert({**msgspec.structs.asdict(before), **changes}, ApiLogFilter)
            self.scope()
        except (msgspec.ValidationError, InvalidArgument) as error:
            self.filter = before
            raise InvalidArgument(str(error)) from None
        self._first = 0
        self._stand_where_needed()

    def picture(self) -> ApiLogPicture:
        """The page; once the engine has stopped or cannot read, what was last seen, with the reason."""
        engine = self._engine
        try:
            with engine.store.cursor() as cursor:
                found = survey(cursor, self.scope(), order=self._order, first=self._first, page=self._page, stand=self._stand)
        except (EngineStopped, StoreError) as error:
            if self._latest is None:
                raise
            return msgspec.structs.replace(self._latest, trouble=str(error))
        self._latest = api_log_picture(
            found,
            lab=self._lab,
            now=engine.now(),
            filter=self.filter,
            order=self._order,
            first=self._first,
            page=self._page,
            is_paused=self._is_paused,
            dropped=self._served.dropped(),
            served=self._served.address,
            trouble=engine.trouble,
        )
        return self._latest

    def answer(self, request: protocol.Request) -> Any:
        """`filter`, `page` and `pause` change what is shown; `call` tells all of one."""
        given = request.arguments
        match request.what:
            case "filter":
                self.look_at(given)
                return None
            case "page":
                self._turn(given)
                return None
            case "pause":
                self._is_paused = given.get("is_paused") is True
                self._stand = None
                self._stand_where_needed()
                return None
            case "call":
                return self._detail(given.get("place"), given.get("at"))
        raise no_such_question(request)

    def _turn(self, given: Mapping[str, Any]) -> None:
        order, first, page = given.get("order", self._order), given.get("first", 0), given.get("page", self._page)
        if not isinstance(order, str) or order.removeprefix("-") not in ORDERS or not isinstance(first, int) or not isinstance(page, int):
            raise InvalidArgument(f"A page is asked for by its first row and an order: {', '.join(ORDERS)}.")
        self._order, self._first, self._page = order, max(0, first), min(max(1, page), MOST_ON_A_PAGE)
        self._stand_where_needed()

    def _stand_where_needed(self) -> None:
        """Pages stand still while they are read: with Pause, and past the first one."""
        if not self._is_paused and not self._first:
            self._stand = None
        elif self._stand is None:
            self._stand = datetime.now(UTC).replace(tzinfo=None)

    def _detail(self, place: object, at: object) -> Any:
        if not isinstance(place, int) or not isinstance(at, int | float):
            raise InvalidArgument("A call is asked for by its place and its moment.")
        with self._engine.store.cursor() as cursor:
            found = asked_about(cursor, place, _moment_of(at))
        if found is None:
            raise InvalidArgument("This call is no longer in the log: the oldest are let go when there are very many.")
        return msgspec.to_builtins(detail_of(found))


def _moment_of(ms: float) -> datetime:
    """A page's time as DuckDB has it, to the microsecond."""
    return datetime.fromtimestamp(0, UTC).replace(tzinfo=None) + timedelta(microseconds=round(ms * 1000))


def log_filter_given(filter: Mapping[str, Any]) -> dict[str, Any]:
    """A filter as people write it, as the page has it: spans and moments as text. Raises InvalidArgument for what there is not."""
    unknown = set(filter) - set(_FIELDS)
    if unknown:
        raise InvalidArgument(f"There is no filter {min(unknown)!r}; there are {', '.join(_FIELDS)}.")
    return {name: _plain(value) for name, value in filter.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return f"{value.total_seconds():g}s" if isinstance(value, timedelta) else value
