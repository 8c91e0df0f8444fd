"""A page with a built view in it, and no kernel: what stands in for JupyterLab and for anywidget's model, in every test of a page."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, Route

from wflab.views.widget import BUNDLES, bundle_text

ADDRESS = "http://widget.invalid/"

# `model` keeps what the page has sent. Tests `push` a picture and `tell` a message; a question is answered at once if `given` has an answer for
# it, is refused if `given` is there and has none, and else is left to the test.
SHOW = """async (message) => {
  const { default: widget } = await import("/widget.js");
  const heard = {};
  window.model = {
    message, sent: [],
    get: () => window.model.message,
    on: (event, slot) => (heard[event] ??= []).push(slot),
    off: () => undefined,
    send: (content) => {
      window.model.sent.push(content);
      if (content.type !== "request" || window.given === undefined) return;
      const data = window.given[content.what];
      const reply = data === undefined ? { error: "not asked for in this test" } : { data };
      queueMicrotask(() => heard["msg:custom"].forEach((slot) => slot({ type: "reply", id: content.id, data: null, error: null, ...reply })));
    },
    push: (next) => { window.model.message = next; heard["change:message"].forEach((slot) => slot()); },
    tell: (notice) => heard["msg:custom"].forEach((slot) => slot(notice)),
  };
  window.unmount = await widget.render({ model: window.model, el: document.getElementById("cell") });
}"""
_BODY = "<!doctype html><html lang=en><title>t</title><body data-jp-theme-light=true><div class=jp-Cell><div id=cell></div></div>"


def marks_of(view: str) -> list[pytest.MarkDecorator]:
    """For the `pytestmark` of a module that tests this view's page."""
    is_built = (BUNDLES / f"{view}.js").exists()
    return [
        pytest.mark.browser,
        pytest.mark.skipif(not is_built, reason="the widget is not built: cd extension && npm ci && npm run build"),
    ]


@contextmanager
def page_with(browser: Browser, view: str, *, width: int, height: int = 900) -> Iterator[Page]:
    """A cell that waits for `SHOW`; at the end, no error may have reached the page."""

    def serve(route: Route) -> None:
        if route.request.url.endswith("widget.js"):
            route.fulfill(body=bundle_text(view), content_type="text/javascript")
        else:
            route.fulfill(body=_BODY, content_type="text/html; charset=utf-8")

    page = _blank(browser)
    page.set_viewport_size({"width": width, "height": height})
    page.mouse.move(0, 0)
    errors: list[object] = []

    def note(error: object) -> None:  # a function of ours, since Playwright marks what it is given
        errors.append(error)

    page.on("pageerror", note)
    page.route("**/*", serve)
    page.goto(ADDRESS)
    page.evaluate("() => window.localStorage.clear()")
    yield page
    page.remove_listener("pageerror", note)
    page.unroute_all()
    assert errors == []


def _blank(browser: Browser) -> Page:
    """The page that all these tests share: a new one for each would take longer than most of them. What is in it goes with the address."""
    for context in browser.contexts:
        for page in context.pages:
            if page.url == ADDRESS:
                return page
    return browser.new_page()
