// Light or dark: JupyterLab's word, else VS Code's, else the system's; and a call at every change.
import type { Theme } from "./palette";

export function currentTheme(body: HTMLElement = document.body): Theme {
  const jupyter = body.dataset["jpThemeLight"];
  if (jupyter !== undefined) return jupyter === "false" ? "dark" : "light";
  const kind = body.dataset["vscodeThemeKind"] ?? body.className;
  if (kind.includes("vscode-")) return /vscode-(dark|high-contrast(?!-light))/.test(kind) ? "dark" : "light";
  return darkPreference().matches ? "dark" : "light";
}

/** Call back when the theme may have changed; returns how to stop. */
export function onThemeChange(changed: () => void): () => void {
  const observer = new MutationObserver(changed);
  observer.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-vscode-theme-kind", "class"] });
  const preference = darkPreference();
  preference.addEventListener("change", changed);
  return () => {
    observer.disconnect();
    preference.removeEventListener("change", changed);
  };
}

function darkPreference(): MediaQueryList {
  return window.matchMedia("(prefers-color-scheme: dark)");
}
