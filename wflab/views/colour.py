"""What eyes make of colours: contrast (WCAG 2), and how far two colours are apart (CIEDE2000) under four kinds of vision.

The palette is checked with it, ours in the tests and a user's own as it is set. Colours are `#rrggbb`.
"""

import re
from math import atan2, cos, degrees, exp, hypot, radians, sin, sqrt
from typing import Literal

Triple = tuple[float, float, float]
Vision = Literal["normal", "protanopia", "deuteranopia", "tritanopia"]
SMALLEST_CONTRAST = 3.0  # of a graphical object on its background: WCAG 1.4.11
SMALLEST_DIFFERENCE = 12.0  # CIEDE2000 between any two states
_SHADES = 40
_DARKEST = 0.04045  # below it sRGB is linear
_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}){1,2}")
# Machado, Oliveira and Fernandes (2009), severity 1.0, applied to linear RGB
_MACHADO: dict[Vision, tuple[Triple, Triple, Triple]] = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def hex_colour(text: object) -> str | None:
    """`#RGB` or `#RRGGBB` as `#rrggbb`; None for what is neither."""
    if not isinstance(text, str) or not _HEX.fullmatch(text):
        return None
    digits = text[1:].lower()
    return f"#{digits}" if len(digits) == len("rrggbb") else "#" + "".join(2 * digit for digit in digits)


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black on white)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def text_on(colour: str) -> str:
    """Black or white: whichever is easier to read on the colour."""
    return max("#ffffff", "#000000", key=lambda ink: contrast(ink, colour))


def toned(colour: str, surface: str) -> str:
    """The colour itself where it can be seen on the surface, else the nearest mixture of it with black or white that can."""
    towards = text_on(surface)
    mixed = (_mixed(colour, towards, part / _SHADES) for part in range(_SHADES + 1))
    return next(one for one in mixed if contrast(one, surface) >= SMALLEST_CONTRAST)


def difference(one: str, other: str, vision: Vision = "normal") -> float:
    """CIEDE2000 between two colours as somebody with this vision sees them; below about 12 they are easily mixed up."""
    return ciede2000(_lab(_seen(_linear(one), vision)), _lab(_seen(_linear(other), vision)))


def ciede2000(one: Triple, other: Triple) -> float:
    """The difference of two CIELAB colours; Sharma, Wu and Dalal (2005)."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean = (hypot(a1, b1) + hypot(a2, b2)) / 2
    g = 0.5 * (1 - sqrt(mean**7 / (mean**7 + 25**7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = hypot(a1, b1), hypot(a2, b2)
    h1, h2 = degrees(atan2(b1, a1)) % 360, degrees(atan2(b2, a2)) % 360
    turn = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    dl, dc, dh = l2 - l1, c2 - c1, 2 * sqrt(c1 * c2) * sin(radians(turn / 2))
    lm, cm = (l1 + l2) / 2, (c1 + c2) / 2
    hm = h1 + h2 if c1 * c2 == 0 else (h1 + turn / 2) % 360
    t = 1 - 0.17 * cos(radians(hm - 30)) + 0.24 * cos(radians(2 * hm)) + 0.32 * cos(radians(3 * hm + 6)) - 0.2 * cos(radians(4 * hm - 63))
    sl = 1 + 0.015 * (lm - 50) ** 2 / sqrt(20 + (lm - 50) ** 2)
    sc, sh = 1 + 0.045 * cm, 1 + 0.015 * cm * t
    rotation = -2 * sqrt(cm**7 / (cm**7 + 25**7)) * sin(radians(60 * exp(-(((hm - 275) / 25) ** 2))))
    return sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dh / sh) ** 2 + rotation * (dc / sc) * (dh / sh))


def _mixed(one: str, other: str, part: float) -> str:
    return "#" + "".join(f"{round(int(one[at : at + 2], 16) * (1 - part) + int(other[at : at + 2], 16) * part):02x}" for at in (1, 3, 5))


def _linear(colour: str) -> Triple:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= _DARKEST else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return red, green, blue


def _seen(rgb: Triple, vision: Vision) -> Triple:
    red, green, blue = (min(1.0, max(0.0, sum(k * c for k, c in zip(row, rgb, strict=True)))) for row in _MACHADO[vision])
    return red, green, blue


def _luminance(colour: str) -> float:
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _lab(rgb: Triple) -> Triple:
    red, green, blue = rgb
    x = (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047
    y = 0.2126729 * red + 0.7151522 * green + 0.0721750 * blue
    z = (0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883
    fx, fy, fz = (t ** (1 / 3) if t > (6 / 29) ** 3 else t / (3 * (6 / 29) ** 2) + 4 / 29 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)
