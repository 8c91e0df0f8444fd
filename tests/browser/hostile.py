"""Two hundred strings that mean harm: markup, scripts, directions, terminals, formulas, templates, and what merely is long or odd."""

_EVENTS = ("onerror", "onload", "onclick", "onmouseover", "onfocus", "onanimationstart", "ontoggle", "onpointerenter")
_TAGS = (
    "img",
    "svg",
    "video",
    "audio",
    "iframe",
    "object",
    "embed",
    "details",
    "body",
    "input",
    "select",
    "math",
    "style",
    "link",
    "base",
    "form",
    "marquee",
    "template",
)
_BREAKS = ('"', "'", "`", '">', "'>", "</text>", "</script>", "</style>", "</title>", "-->", "]]>", "*/", "\\", "${", "{{")
_CODE = "window.pwned=1"


def hostile_strings() -> list[str]:
    """All different; each would set `window.pwned` if a page took it for more than text."""
    found = [
        f"[x](javascript:{_CODE})",
        f"javascript:{_CODE}",
        f"data:text/html,<script>{_CODE}</script>",
        f"<a href=javascript:{_CODE}>x</a>",
    ]
    found += ["=cmd|' /C calc'!A0", "@SUM(1)", "+1-1", "%wf crash --yes", "!rm -rf /", "'; DROP TABLE history; --", "$(reboot)"]
    found += [
        "\x1b[31mred\x1b[0m",
        "\x1b]8;;javascript:x\x07",
        "\u202eevil\u202c",
        "\u2066x\u2069",
        "\u200bzero\u200b",
        "\ufeff",
        "a\u0300" * 40,
    ]
    found += [
        "<!--",
        "<![CDATA[",
        "&lt;script&gt;",
        "&#x3c;script&#x3e;",
        "\x00nul",
        "line\nbreak",
        "tab\tbed",
        "\u2028",
        "\\u003cscript\\u003e",
    ]
    found += ["word " * 400, "x" * 3000, "__proto__", "constructor", "toString", "hasOwnProperty", "NaN", "-0", "null", "true"]
    found += [f'<{tag} src=x {event}="{_CODE}">' for tag in _TAGS for event in _EVENTS[:6]]
    found += [f"{begin}<script>{_CODE}</script>" for begin in _BREAKS]
    found += [f'{begin} autofocus {event}={_CODE} x="' for begin in _BREAKS[:5] for event in _EVENTS]
    found += [f"{begin}{{{{constructor.constructor('{_CODE}')()}}}}${{{_CODE}}}" for begin in _BREAKS]
    return list(dict.fromkeys(found))[:200]
