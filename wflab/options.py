"""`wf.options` and `wf.palette`: how wflab behaves and looks in this process, whatever lab is open.

They are the one thing beside the current lab that is global: a colour is a matter of who looks, not of a file. Docs: docs/decisions/0016.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, get_args

from wfengine.errors import InvalidArgument
from wfengine.runtime.limits import Limits
from wflab.views.colouring import PaletteWarning, colours_of, lookalikes
from wflab.views.palette import PALETTE, Palette, StateLook, Theme

Mode = Literal["auto", "both", "static"]


class DisplayOptions:
    """`wf.options.display`: how a live view is put into a notebook."""

    def __init__(self) -> None:
        self._mode: Mode = "auto"

    @property
    def mode(self) -> Mode:
        """Whether views are `auto`, `both` or `static`.

        `auto`: live, with the still form in the same output. `both`: where JupyterLab's extension is missing, the still form is a second output
        beside the live one, so that a notebook opened again shows it. `static`: still pictures only (as with WFLAB_STATIC=1).
        """
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        if mode not in get_args(Mode):
            raise InvalidArgument(f"display.mode is {', '.join(map(repr, get_args(Mode)))}; not {mode!r}.")
        self._mode = mode

    def __setattr__(self, name: str, value: Any) -> None:
        _expect_known(self, name, "options.display")
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return f"mode = {self._mode!r}"


class Options:
    """What can be set; a name that does not exist is refused."""

    def __init__(self, looks: Palette) -> None:
        self._looks = looks
        self._palette: object = "default"
        self._check_on_edit = True
        self._limits: Limits | None = None
        self._display = DisplayOptions()
        self._listeners: list[Callable[[], None]] = []

    @property
    def display(self) -> DisplayOptions:
        """How a live view is put into a notebook: `.mode`."""
        return self._display

    @property
    def palette(self) -> object:
        """The states' colours: "default", "high-contrast", or a dict such as `{"FAILED": "#b00020"}` or `{"FAILED": {"light": "#b00020", "dark": "#ff6b6b"}}`.

        Views that are live are repainted; what was saved before stays as it is. Raises InvalidArgument for a colour that can hardly be seen, and
        warns (PaletteWarning) of states that somebody could not tell apart.
        """
        return self._palette

    @palette.setter
    def palette(self, wanted: object) -> None:
        colours = colours_of(wanted)
        self._looks.colour(colours)
        self._palette = {**wanted} if isinstance(wanted, Mapping) else wanted or "default"
        for listener in list(self._listeners):
            listener()
        alike = lookalikes(self._looks.states) if colours else []
        if alike:
            warnings.warn(
                f"{'; '.join(alike)}. The glyphs still tell them apart.", PaletteWarning, stacklevel=3
            )  # past our __setattr__, to the line that set it

    @property
    def check_on_edit(self) -> bool:
        """Whether a workflow that is defined again has its recorded histories replayed at once."""
        return self._check_on_edit

    @check_on_edit.setter
    def check_on_edit(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise InvalidArgument(f"check_on_edit is True or False, not {value!r}.")
        self._check_on_edit = value

    @property
    def limits(self) -> Limits | None:
        """How much may be under way at a time (`wf.Limits(...)`) in the lab that `%load_ext wflab` opens from then on; None for no limits.

        Set it before, or run `%reload_ext wflab` after. A `wf.Lab(...)` of your own is given its limits itself.
        """
        return self._limits

    @limits.setter
    def limits(self, limits: Limits | None) -> None:
        if limits is not None and not isinstance(limits, Limits):
            raise InvalidArgument(f"limits is a wf.Limits(...), for example wf.Limits(most_activities=4), or None; not {limits!r}.")
        self._limits = limits

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Have `listener` called when the colours change; call the result to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def __setattr__(self, name: str, value: Any) -> None:
        _expect_known(self, name, "options")
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return f"palette = {self._palette!r}\ndisplay.{self._display!r}\ncheck_on_edit = {self._check_on_edit}\nlimits = {self._limits!r}"


class PaletteView(Mapping[str, StateLook]):
    """`wf.palette`: a dict from a state's name to its look (`.light`, `.dark`, `.glyph`), in the colours that are drawn just now."""

    def __init__(self, looks: Palette) -> None:
        self._looks = looks

    def colours(self, theme: Theme = "light") -> dict[str, str]:
        """State to colour, as plotly's `color_discrete_map` takes it."""
        return {state: look.fill(theme) for state, look in self._looks.states.items()}

    def __getitem__(self, state: str) -> StateLook:
        return self._looks.states[state]

    def __iter__(self) -> Iterator[str]:
        return iter(self._looks.states)

    def __len__(self) -> int:
        return len(self._looks.states)

    def __repr__(self) -> str:
        return "\n".join(f"{look.glyph} {state:<17}{look.light}  {look.dark}" for state, look in self.items())

    def _repr_html_(self) -> str:
        cells = "".join(
            f'<tr><td>{state}</td><td style="background:{look.light};color:{look.light_on}">{look.glyph}&#xFE0E; {look.light}</td>'
            f'<td style="background:{look.dark};color:{look.dark_on}">{look.glyph}&#xFE0E; {look.dark}</td></tr>'
            for state, look in self.items()
        )
        return f"<table><thead><tr><th>state</th><th>light</th><th>dark</th></tr></thead><tbody>{cells}</tbody></table>"


def _expect_known(owner: object, name: str, where: str) -> None:
    public = [known for known, value in vars(type(owner)).items() if isinstance(value, property)]
    if not name.startswith("_") and name not in public:
        raise InvalidArgument(f"wf.{where} has no {name!r}; there are {', '.join(public)}.")


options = Options(PALETTE)
palette = PaletteView(PALETTE)
