"""A recipe's file: a docstring in TOML (the front matter), the code for a cell, and after `# %% evidence` the functions that check its claims.

A file is only parsed here; nothing of it runs. A knob's default is the value that the code assigns, so it stands in one place.
"""

import ast
import re
import tomllib
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from wfengine.errors import InvalidArgument
from wfengine.model.instance import TERMINAL
from wflab.recipes.recipe import Claim, Failing, Knob, Level, Recipe, Value

EVIDENCE = "# %% evidence"
MOST_LINES = 39
_ID = re.compile(r"[a-z][a-z0-9_]*")
_TOML_LINE = re.compile(r"\s*\(at line (\d+), column \d+\)")


class _Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    label: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()


class _Front(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    title: str
    pattern: str
    use_when: str
    not_when: str
    level: Level
    verbs: tuple[str, ...]
    seconds: float
    tags: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    ends: str
    run: str
    knobs: dict[str, dict[str, Any]] = {}
    failure: dict[str, Any]
    experimental: str = ""


class _Failure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    says: str
    knobs: dict[str, Value]
    ends: str
    fails: tuple[str, ...]


def read_recipe(path: Path) -> Recipe:
    """The recipe of a file. Raises InvalidArgument, with the file and the line, where it is none."""
    text = path.read_text("utf-8")
    file = _File(path, text)
    front, begin = file.front()
    code, code_line, checks, checks_line = file.parts(begin)
    if len(code.split("\n")) > MOST_LINES:
        file.refuse(code_line + MOST_LINES, f"the code has {len(code.splitlines())} lines; a recipe has fewer than {MOST_LINES + 1}")
    tree = file.parsed(code, code_line)
    claims = file.claims(checks, checks_line)
    knobs = tuple(file.knob(name, given, tree, code_line) for name, given in front.knobs.items())
    if not any("run" in _targets(node) for node in tree.body):
        file.refuse(code_line, "the code binds no `run`: let it end with `run = lab.start(...)`")
    failure = file.failure(front.failure)
    recipe = Recipe(
        id=path.stem,
        knobs=knobs,
        failure=Failing(says=failure.says, knobs=failure.knobs, ends=failure.ends, fails=failure.fails),
        claims=claims,
        code=code,
        checks=checks,
        checks_line=checks_line,
        path=str(path),
        **{
            name: getattr(front, name)
            for name in (
                "title",
                "pattern",
                "use_when",
                "not_when",
                "level",
                "verbs",
                "seconds",
                "tags",
                "problems",
                "ends",
                "run",
                "experimental",
            )
        },
    )
    file.check_whole(recipe)
    return recipe


class _File:
    """One file, with the words for what is wrong in it."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._text = text
        self._lines = text.split("\n")
        self._front_begins = 1

    def refuse(self, line: int, what: str) -> NoReturn:
        raise InvalidArgument(f"{self._path}, line {line}: {what}.")

    def front(self) -> tuple[_Front, int]:
        """The front matter, and the number of the line behind it."""
        tree = self.parsed(self._text, 1)
        match tree.body:
            case [ast.Expr(value=ast.Constant(value=str() as told)) as first, *_]:
                pass
            case _:
                self.refuse(1, 'a recipe begins with its front matter: TOML in """three quotes"""')
        self._front_begins = first.lineno
        try:
            given = tomllib.loads(told)
        except tomllib.TOMLDecodeError as error:
            found = _TOML_LINE.search(str(error))
            line = first.lineno + int(found[1]) - 1 if found else (first.end_lineno or first.lineno)
            self.refuse(line, f"the front matter is not TOML: {_TOML_LINE.sub('', str(error))}")
        if _ID.fullmatch(self._path.stem) is None:
            self.refuse(1, "a recipe's file is named for its id: small letters, digits and _")
        return self._converted(given, _Front, ""), (first.end_lineno or first.lineno)

    def parts(self, behind: int) -> tuple[str, int, str, int]:
        """The code and the checks, each with the number of its first line."""
        rest = self._lines[behind:]
        if EVIDENCE not in rest:
            self.refuse(
                len(self._text.splitlines()), f"there is no line `{EVIDENCE}`, and below it functions that check what a run's record shows"
            )
        end = rest.index(EVIDENCE)
        first = next((place for place, line in enumerate(rest[:end]) if line.strip()), None)
        if first is None:
            self.refuse(behind + 1, "there is no code")
        return "\n".join(rest[first:end]).rstrip(), behind + first + 1, "\n".join(rest[end + 1 :]), behind + end + 2

    def parsed(self, code: str, line: int) -> ast.Module:
        try:
            return ast.parse(code)
        except SyntaxError as error:
            self.refuse(line + (error.lineno or 1) - 1, f"this is not Python: {error.msg}")

    def claims(self, checks: str, line: int) -> tuple[Claim, ...]:
        """The functions that check something, each with the words of its docstring."""
        found = []
        for node in self.parsed(checks, line).body:
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                continue
            words = ast.get_docstring(node)
            if not words:
                self.refuse(line + node.lineno - 1, f"{node.name} has no docstring: the statement that it checks")
            found.append(Claim(name=node.name, words=words))
        if not found:
            self.refuse(line, "nothing is checked: write a function of `run` that gives (whether it is so, what was found)")
        return tuple(found)

    def knob(self, name: str, given: dict[str, Any], tree: ast.Module, code_line: int) -> Knob:
        """The knob of this name, with the value that the code assigns."""
        limits: _Limits = self._converted(given, _Limits, name)
        node = next((node for node in tree.body if name in _targets(node)), None)
        if not isinstance(node, ast.Assign):
            self.refuse(self._line_of(name), f"the knob {name} is not in the code: assign it at the top, `{name} = ...`")
        line, value = code_line + node.lineno - 1, node.value
        try:
            default = ast.literal_eval(value)
        except ValueError:
            default = None
        if not isinstance(default, bool | int | float | str) or value.end_col_offset is None or value.lineno != value.end_lineno:
            self.refuse(line, f"{name} is a knob: assign it one number, text, True or False")
        found = Knob(
            name=name,
            label=limits.label,
            default=default,
            low=limits.low,
            high=limits.high,
            choices=limits.choices,
            line=value.lineno - 1,
            column=value.col_offset,
            end=value.end_col_offset,
        )
        self._checked(found, default, line)
        return found

    def failure(self, given: dict[str, Any]) -> _Failure:
        """The table `failure`, whose faults are told with its own line."""
        found: _Failure = self._converted(given, _Failure, "failure")
        return found

    def check_whole(self, recipe: Recipe) -> None:
        """What must fit together."""
        known, named = {knob.name: knob for knob in recipe.knobs}, {claim.name for claim in recipe.claims}
        ends = {str(status) for status in TERMINAL}
        for where, state in (("ends", recipe.ends), ("failure", recipe.failure.ends)):
            if state not in ends:
                self.refuse(self._line_of(where), f"{state!r} is no state that a run ends in; there are {', '.join(sorted(ends))}")
        for name, value in recipe.failure.knobs.items():
            if name not in known:
                self.refuse(self._line_of("failure"), f"the failure turns {name}, which is no knob")
            self._checked(known[name], value, self._line_of("failure"))
        for name in recipe.failure.fails:
            if name not in named:
                self.refuse(self._line_of("failure"), f"the failure names {name}, which nothing below `{EVIDENCE}` checks")

    def _checked(self, knob: Knob, value: Value, line: int) -> None:
        try:
            knob.checked(value)
        except InvalidArgument as error:
            self.refuse(line, str(error).rstrip("."))

    def _converted(self, given: Any, kind: Any, table: str) -> Any:
        try:
            return msgspec.convert(given, type=kind)
        except msgspec.ValidationError as error:
            told, _, at = str(error).partition(" - at ")
            # what is missing or unknown is named in the sentence, what does not fit by its place
            keys = re.findall(r"[A-Za-z_]\w*", at) or re.findall(r"`(\w+)`", told)
            where = f" ({'.'.join(keys)})" if at and keys else ""
            self.refuse(self._line_of(keys[-1] if keys else table, table), f"front matter: {told}{where}")

    def _line_of(self, key: str, table: str = "") -> int:
        """Where the front matter has a key or a table; where it begins, for one that is missing."""
        begin = self._front_begins
        for name in (key, table):
            for number, line in enumerate(self._lines[begin - 1 :], start=begin):
                if name and re.match(rf"\s*(\[{re.escape(name)}\]|{re.escape(name)}\s*=)", line.lstrip("\"'")):
                    return number
                if line.strip() == EVIDENCE:
                    break
        return begin


def _targets(node: ast.stmt) -> set[str]:
    return {target.id for target in node.targets if isinstance(target, ast.Name)} if isinstance(node, ast.Assign) else set()
