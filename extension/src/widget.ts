// The widget bundle's door: anywidget calls `render` with the kernel's model and an element to fill.
import { type Model, watchKernel } from "./kernel";
import { type Act, readFromKernel } from "./protocol";
import { currentTheme, onThemeChange } from "./theme";
import { RunView } from "./views/run";

function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  let theme = currentTheme();
  const view = new RunView((act: Act) => model.send(act), theme);
  el.replaceChildren(view.element);

  const show = (pushed: boolean): void => {
    const message = readFromKernel(model.get("message"));
    if (message?.type === "picture") view.show(message, pushed);
  };
  const changed = (): void => show(true);
  const heard = (content: unknown): void => {
    const message = readFromKernel(content);
    if (message?.type === "notice") view.hear(message);
  };
  model.on("change:message", changed);
  model.on("msg:custom", heard);
  const forgetKernel = watchKernel(model, el, (isThere) => view.kernel(isThere));
  const forgetTheme = onThemeChange(() => {
    if (currentTheme() === theme) return;
    theme = currentTheme();
    view.paint(theme);
    model.send({ type: "ready", theme });
  });
  show(false);
  model.send({ type: "ready", theme });

  return () => {
    model.off("change:message", changed);
    model.off("msg:custom", heard);
    forgetKernel();
    forgetTheme();
    view.dispose();
  };
}

export default { render };
