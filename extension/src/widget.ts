// The widget's door: anywidget calls `render` with the kernel's model and an element to fill.
import { keepHearing, type Model, watchKernel } from "./kernel";
import { type FromPage, newToken, readFromKernel, type ShowPicture } from "./protocol";
import { watchSight } from "./sight";
import { currentTheme, onThemeChange } from "./theme";
import type { MakeView } from "./view";

const LAB_CLOSED = "the lab is closed: run %load_ext wflab, then this cell again";

interface Widget {
  render(props: { model: Model; el: HTMLElement }): () => void;
}

export function widgetOf(make: MakeView): Widget {
  return { render: ({ model, el }) => render(make, model, el) };
}

function render(make: MakeView, model: Model, el: HTMLElement): () => void {
  const page = newToken();
  let theme = currentTheme();
  let isThere = true;
  let isClosed = false;
  const send = (message: FromPage): void => {
    if (!isThere) return;
    try {
      model.send(message);
    } catch {
      // the comm is closed: the view says so once the front end tells
    }
  };
  const view = make(send, theme);
  el.replaceChildren(view.element);

  const show = (pushed: boolean): void => {
    const message = readFromKernel(model.get("message"));
    if (message?.type === "picture") draw(message, pushed);
  };
  const draw = (message: ShowPicture, pushed: boolean): void => {
    if (message.is_closed === true && !isClosed) {
      isThere = false;
      isClosed = true;
      view.kernel(false, LAB_CLOSED); // before it is drawn: it stands at its own moment
    }
    view.show(message, pushed);
  };
  const changed = (): void => show(true);
  const heard = (content: unknown): void => {
    const message = readFromKernel(content);
    if (message?.type === "picture") draw(message, true);
    else if (message !== null) view.hear(message);
  };
  model.on("change:message", changed);
  model.on("msg:custom", heard);
  const forgetKernel = watchKernel(model, el, (stillThere) => {
    if (!isClosed) view.kernel((isThere = stillThere));
  });
  const forgetTheme = onThemeChange(() => {
    if (currentTheme() === theme) return;
    theme = currentTheme();
    view.paint(theme);
    send({ type: "ready", theme, page });
  });
  show(false);
  void keepHearing(model).then(() => send({ type: "ready", theme, page })); // what was said before then may have been lost: the kernel says it again
  const forgetSight = watchSight(view.element, (isSeen) => {
    view.look(isSeen);
    send({ type: "sight", page, is_seen: isSeen });
  });

  return () => {
    model.off("change:message", changed);
    model.off("msg:custom", heard);
    forgetKernel();
    forgetTheme();
    forgetSight();
    send({ type: "sight", page, is_seen: false });
    view.dispose();
  };
}
