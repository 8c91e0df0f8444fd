"""What would mend a disagreement: a patch or a version, as text to paste. Only what cannot be known is left as dots."""

import re

from wflab.checking.verdict import Disagreement

_CALL = re.compile(r"^(\w+)\('(.*)'\)$")
_WORD = re.compile(r"\W+")


def patch(found: Disagreement) -> str:
    """An `if ctx.is_patched(...)` that keeps the recorded path for what has passed here; empty where a patch would not help."""
    new = found.source or f"{_yielding(found.attempted)}"
    old = _yielding(found.recorded)
    match found.kind:
        case "replaced":
            kept = _renamed(found) or old
            return _branches(_name(found.attempted), new, kept)
        case "added" | "goes on":
            return f'if ctx.is_patched("{_name(found.attempted)}"):\n    {new}'
        case "removed":
            return f'if not ctx.is_patched("without_{_name(found.recorded)}"):\n    {old}  # as it was'
        case "swapped":
            return _branches(
                f"{_name(found.attempted)}_first", f"...  # {found.attempted} first, as now", f"...  # {found.recorded} first, as it was"
            )
        case "ends early":
            return 'if ctx.is_patched("ends_here"):\n    return ...  # the new end'
        case "patch":
            return f"{found.recorded if found.recorded.startswith('is_patched') else found.attempted}  # must stay, in its place".replace(
                "is_patched", "ctx.is_patched", 1
            )
    return ""


def version(name: str, function: str, known: str | None) -> str:
    """The code as a new version beside the one that the histories are recorded with."""
    return (
        f'@wfr.versioned_workflow(name="{name}", version_name="{_next(known)}", is_latest=True)\n'
        f"def {function}(ctx, input):  # the new code; leave version {known!r} registered as it was\n    ..."
    )


def _branches(name: str, new: str, old: str) -> str:
    return f'if ctx.is_patched("{name}"):\n    {new}\nelse:\n    {old}'


def _renamed(found: Disagreement) -> str:
    """The line with the recorded name in place of the one it asks for now; empty where that cannot be told."""
    recorded, attempted = _CALL.match(found.recorded), _CALL.match(found.attempted)
    if recorded is None or attempted is None or recorded[1] != attempted[1]:
        return ""
    text, count = re.subn(rf"""(["']?)\b{re.escape(attempted[2])}\b\1""", lambda _: f'"{recorded[2]}"', found.source, count=1)
    return text if count else ""


def _yielding(call: str) -> str:
    """`call_activity('charge')` as a line of a workflow."""
    if call == "create_timer":
        return "yield ctx.create_timer(...)"
    found = _CALL.match(call)
    return f'yield ctx.{found[1]}("{found[2]}", ...)'.replace("_event(", "_event(") if found else f"...  # {call}"


def _name(call: str) -> str:
    """A patch's name: that of what is called."""
    found = _CALL.match(call)
    return _WORD.sub("_", found[2] if found else call).strip("_") or "changed"


def _next(known: str | None) -> str:
    """`v1` → `v2`; any other name with `-2`."""
    found = re.match(r"^(.*?)(\d+)$", known or "v1")
    return f"{found[1]}{int(found[2]) + 1}" if found else f"{known}-2"
