"""What may stand where the cursor is in a `%wf` line."""

from collections.abc import Mapping

from wfengine.errors import WflabError
from wfengine.model.instance import Status
from wflab.lab import Lab, current
from wflab.recipes.gallery import gallery
from wflab.verbs.verb import Takes, Verb

_MOST_RUNS = 50


def offered(line: str, verbs: Mapping[str, Verb]) -> list[str]:
    """All that fits what was typed of the last word; empty where the line is none of ours."""
    words = line.split(" ")
    if words[0] != "%wf" or len(words) < 2:  # noqa: PLR2004  # the magic and the word that begins
        return []
    if len(words) == 2:  # noqa: PLR2004  # likewise
        return [name for name in verbs if name.startswith(words[1])]
    verb = verbs.get(words[1])
    if verb is None:
        return []
    given = [word for word in words[2:-1] if word and not word.startswith("--")]
    if words[-1].startswith("--"):
        found = [option for option in verb.options if option not in words]
    elif verb.takes:
        found = _choices(verb.takes[min(len(given), len(verb.takes) - 1)], given, verbs)
    else:
        found = list(verb.options)
    return [text for text in found if text.startswith(words[-1])]


def _choices(takes: Takes, given: list[str], verbs: Mapping[str, Verb]) -> list[str]:
    match takes:
        case "verb":
            return list(verbs)
        case "clock":
            return ["+1h", "+7d", "skip", "virtual", "real"]
        case "status":
            return list(Status)
        case "recipe":
            return list(gallery())
        case _:
            lab = current.find()
            return [] if lab is None else _of_the_record(takes, given, lab)


def _of_the_record(takes: Takes, given: list[str], lab: Lab) -> list[str]:
    if takes == "app":
        return list(lab.apps)
    if takes == "workflow":
        return lab.engine.registry.names("workflow")
    if takes == "event":
        try:
            return lab.get(given[0]).awaits() if given else []
        except WflabError:  # an id that is not there yet: completion says nothing rather than an error
            return []
    return ["last", *(run.instance_id for run in lab.runs.list()[:_MOST_RUNS])]
