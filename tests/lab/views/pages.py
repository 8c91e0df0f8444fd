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

    page = browser.new_page(viewport={"width": width, "height": height})
    errors: list[object] = []
    page.on("pageerror", lambda error: errors.append(error))  # noqa: PLW0108  # Playwright marks the function it is given
    page.route("**/*", serve)
    page.goto(ADDRESS)
    yield page
    page.close()
    assert errors == []
