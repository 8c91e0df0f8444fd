// The same data as a real table: for reading closely, for screen readers, for copying.
import { html } from "../dom";
import type { TableData } from "./content";

export function tableOf(data: TableData): HTMLElement {
  const heads = data.heads.map((head) => html("th", { scope: "col" }, head));
  const rows = data.rows.map(([first = "", ...rest]) =>
    html("tr", {}, html("th", { scope: "row", dir: "auto" }, first), ...rest.map((cell) => html("td", { dir: "auto" }, cell))),
  );
  const cut = data.total > data.rows.length ? ` (showing ${data.rows.length.toLocaleString("en")} of ${data.total.toLocaleString("en")})` : "";
  const table = html("table", {}, html("caption", {}, data.caption + cut), html("thead", {}, html("tr", {}, ...heads)), html("tbody", {}, ...rows));
  return html("div", { class: "wf-tablebox", tabindex: 0, role: "group", "aria-label": data.caption }, table);
}
