"""The final states of instances that ended not long ago: who waits for an end usually asks for the result next, and needs no query."""

from collections import OrderedDict

from wfengine.model.instance import Instance

_MOST = 4096
_LARGEST_CHARACTERS = 4096


class RecentlyEnded:
    """By instance id, the newest few thousand; large payloads are not worth the memory. Used by the engine's thread only."""

    def __init__(self) -> None:
        self._ended: OrderedDict[str, Instance] = OrderedDict()

    def remember(self, instance: Instance) -> None:
        """The instance has ended."""
        self.forget(instance.instance_id)
        if len(instance.input or "") + len(instance.output or "") <= _LARGEST_CHARACTERS:
            self._ended[instance.instance_id] = instance
            if len(self._ended) > _MOST:
                self._ended.popitem(last=False)

    def find(self, instance_id: str) -> Instance | None:
        """Its final state, if it is still here."""
        return self._ended.get(instance_id)

    def forget(self, instance_id: str) -> None:
        """It is purged, or its id is used again."""
        self._ended.pop(instance_id, None)
