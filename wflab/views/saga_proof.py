"""What `lab.saga_proof` gives: the table of failures, what was undone after each, and what is left."""

from html import escape

import pandas as pd

from wflab.analytics.saga_proof import Case, Proof
from wflab.views.card import CELL, MUTED, safe, scrolling
from wflab.views.svg import printable

_SIGNS = {"clean": "✓", "in doubt": "?", "unavoidable": "!", "left": "✕", "undone for nothing": "✕", "stuck": "✕"}
_BAD = ("left", "undone for nothing", "stuck")
VERDICTS = ("clean", "in doubt", "unavoidable", "left", "undone for nothing", "stuck")
_MOST_ROWS = 200


class SagaProof:
    """The cases of one saga, as a table, as text, or as a DataFrame. `is_clean` is what a test asserts."""

    def __init__(self, proof: Proof) -> None:
        self.workflow = proof.workflow
        self.cases = proof.cases
        self.passed_over = proof.passed_over
        self.is_inferred = proof.is_inferred

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left undone after any failure, but what no saga could help: a step whose own undo failed."""
        return not self.problems

    @property
    def problems(self) -> list[Case]:
        """The cases after which something stays that should not."""
        return [case for case in self.cases if case.verdict in _BAD]

    @property
    def in_doubt(self) -> list[Case]:
        """The cases after which a step that timed out may have happened, and nothing undid or checked it."""
        return [case for case in self.cases if case.verdict == "in doubt" or (case.in_doubt and case.verdict != "clean")]

    @property
    def left(self) -> list[str]:
        """The steps that stay done after some failure, each once."""
        return list(dict.fromkeys(step for case in self.problems for step in case.left))

    @property
    def sentence(self) -> str:
        """The result in words."""
        count = len(self.cases)
        if self.problems:
            stuck = [case.fails for case in self.problems if case.verdict == "stuck"]
            parts = [f"{', '.join(self.left)} left undone"] if self.left else []
            parts += [
                f"undone though nothing failed: {', '.join(case.compensations)}"
                for case in self.problems
                if case.verdict == "undone for nothing"
            ]
            parts += [f"never ends when {', '.join(stuck)} fails"] if stuck else []
            told = f"NOT CLEAN: {'; '.join(parts)} ({len(self.problems)} of {count} cases)."
        else:
            told = f"CLEAN: {count} cases, and nothing is left undone."
        doubtful = list(dict.fromkeys(step for case in self.in_doubt for step in case.in_doubt))
        if doubtful:
            told += f" If {', '.join(doubtful)} timed out, somebody must check whether it happened: `undo_if_failed=True` would undo it."
        if self.is_inferred:
            told += " Which call undoes which is inferred from their names."
        if self.passed_over:
            told += f" Tried: {', '.join(self.passed_over)}."
        return told

    def df(self) -> pd.DataFrame:
        """One row per case: fails, how, after, status, compensations (in the order they ran), left, in_doubt, undo_failed, verdict, error."""
        rows = [
            {
                "fails": case.fails,
                "how": case.how,
                "after": case.after,
                "status": case.status,
                "compensations": list(case.compensations),
                "left": list(case.left),
                "in_doubt": list(case.in_doubt),
                "undo_failed": list(case.undo_failed),
                "verdict": case.verdict,
                "error": case.error,
            }
            for case in self.cases
        ]
        frame = pd.DataFrame(rows)
        frame["verdict"] = pd.Categorical(frame["verdict"], categories=VERDICTS, ordered=True)
        return frame

    def text(self) -> str:
        """The table as lines of text."""
        lines = [(_SIGNS[case.verdict], _failing(case), _ran(case), _outcome(case)) for case in self.cases]
        widths = [max((len(line[place]) for line in lines), default=0) for place in range(3)]
        told = [
            printable("  " + "  ".join(f"{part:<{width}}" for part, width in zip(line, [*widths, 0], strict=True)).rstrip())
            for line in lines
        ]
        return "\n".join([f"{printable(self.workflow)}: {printable(self.sentence)}", *told])

    def _repr_html_(self) -> str:
        heads = "".join(f'<th scope="col" style="{CELL}">{head}</th>' for head in ("", "If", "then these ran", "and this is left", "Run"))
        rows = "".join(_row(case) for case in self.cases[:_MOST_ROWS])
        cut = f" (showing {_MOST_ROWS} of {len(self.cases):,})" if len(self.cases) > _MOST_ROWS else ""
        table = f'<table style="border-collapse:collapse;color:inherit;font-size:12px;margin:4px 0"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
        return (
            f'<div data-wf-view="saga-proof" data-wf-clean="{str(self.is_clean).lower()}" style="font-size:13px;color:inherit"><b>Compensation proof of {safe(self.workflow)}</b>{cut}'
            f'<div style="margin:4px 0">{safe(self.sentence)}</div>{scrolling("Table of cases", table, "")}</div>'
        )

    def __repr__(self) -> str:
        return self.text()


def _row(case: Case) -> str:
    weight = "font-weight:600" if case.verdict in _BAD else ""
    sign = f'<span title="{escape(case.verdict)}">{_SIGNS[case.verdict]}\ufe0e</span>'
    cells = (
        sign,
        safe(_failing(case)),
        safe(_ran(case)) or f'<span style="{MUTED}">nothing</span>',
        safe(_outcome(case)),
        escape(case.status),
    )
    return (
        f'<tr style="{weight}" data-wf-verdict="{escape(case.verdict)}">'
        + "".join(f'<td style="{CELL}">{cell}</td>' for cell in cells)
        + "</tr>"
    )


def _failing(case: Case) -> str:
    match case.how:
        case "-":
            return "nothing fails"
        case "undo fails":
            return f"{case.after} fails, then {case.fails}"
        case how:
            return f"{case.fails} {how}"


def _ran(case: Case) -> str:
    return " → ".join(case.compensations)


def _outcome(case: Case) -> str:
    if case.verdict == "stuck":
        return "it never ends"
    parts = [", ".join(case.left)] if case.left else []
    parts += [f"in doubt: {', '.join(case.in_doubt)}"] if case.in_doubt else []
    if case.verdict == "undone for nothing":
        parts.append("undone though nothing failed")
    parts += [f"{', '.join(case.undo_failed)}, whose own undo failed"] if case.undo_failed else []
    return "; ".join(parts) or "nothing"
