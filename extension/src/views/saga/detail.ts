// What the drawer tells of a pair: both sides beside each other, then what people did. What the picture has is told without a kernel, too.
import { type Child, html, replace } from "../../dom";
import { isPairDetail, isRecord, type PairDetail, type Payload, type SagaMember, type SagaRow, type SagaSide } from "../../protocol";
import type { Host } from "../../shell/content";
import type { Tab } from "../../shell/drawer";
import { pieces } from "../json";
import { nameOf, number, standingOf } from "./words";

/** Tabs that ask the kernel when they are opened; `open` turns to another pair. */
export function tabsOf(row: SagaRow, pair: string, host: Host, open: (pair: string) => void): Tab[] {
  let asked: Promise<unknown> | null = null;
  const detail = (): Promise<unknown> => (asked ??= host.ask("pair", { pair }));
  const tabs: Tab[] = [{ name: "Both sides", body: () => (host.blocked !== null ? known(row, host.blocked) : later(detail(), (found) => sides(found))) }];
  if (row.kind === "group") {
    const members = (): Child => (host.blocked !== null ? known(row, host.blocked) : later(host.ask("members", { pair: row.id }), (found) => membersOf(found, open)));
    tabs.unshift({ name: "Calls", body: members });
  }
  tabs.push({ name: "Acts", body: () => (host.blocked !== null ? known(row, host.blocked) : later(detail(), (found) => actsOf(found))) });
  return tabs;
}

function later(answer: Promise<unknown>, draw: (found: unknown) => Child): HTMLElement {
  const box = html("div", {}, "…");
  answer.then(
    (found) => replace(box, draw(found)),
    (reason: unknown) => replace(box, html("p", {}, reason instanceof Error ? reason.message : String(reason))),
  );
  return box;
}

function known(row: SagaRow, reason: string): HTMLElement {
  const told: [string, string][] = [];
  if (row.forward) told.push([nameOf(row.forward), standingOf(row.forward)]);
  if (row.back) told.push([row.back.name || "undo", standingOf(row.back)]);
  told.push(["carried across", row.token], ["left", row.residual], ["payloads", reason]);
  return facts(told);
}

function sides(found: unknown): Child {
  if (!isPairDetail(found)) return html("p", {}, "This pair cannot be shown.");
  return html("div", { class: "wf-sides" }, side("forward", found.forward, "Step"), side("back", found.back, "Compensation"));
}

function side(hook: string, one: SagaSide, label: string): HTMLElement {
  return html(
    "section",
    { class: "wf-side", "data-wf-side-of": hook, "aria-label": label },
    html("strong", { dir: "auto" }, one.title),
    facts(one.facts),
    payload(hook === "back" ? "Input (the effect token)" : "Input", one.input),
    payload(hook === "forward" ? "Output (the effect token)" : "Output", one.output),
    one.error ? html("div", {}, html("span", { class: "wf-muted" }, "Error"), html("pre", { class: "wf-code", tabindex: 0, dir: "auto" }, one.error)) : null,
  );
}

function payload(label: string, shown: Payload | null): HTMLElement | null {
  if (shown === null) return null;
  const code = html("pre", { class: "wf-code", tabindex: 0 }, ...pieces(shown.text).map(({ kind, text }) => html("span", kind === "plain" ? {} : { class: `wf-${kind}` }, text)));
  const cut = shown.cut ? ` (first ${number(shown.text.length)} characters of ${number(shown.size)})` : "";
  return html("div", {}, html("span", { class: "wf-muted" }, label + cut), code);
}

function actsOf(found: unknown): Child {
  const acts = isPairDetail(found) ? (found as PairDetail).acts : [];
  if (acts.length === 0) return html("p", { class: "wf-muted" }, "Nobody has done anything about it by hand.");
  const rows = acts.map(([at, who, what, why]) => html("tr", {}, html("th", { scope: "row" }, new Date(at).toLocaleString()), html("td", { dir: "auto" }, who), html("td", {}, what), html("td", { dir: "auto" }, why)));
  const heads = ["When", "Who", "What", "Why"].map((head) => html("th", { scope: "col" }, head));
  return html("table", {}, html("thead", {}, html("tr", {}, ...heads)), html("tbody", {}, ...rows));
}

function membersOf(found: unknown, open: (pair: string) => void): Child {
  const members = Array.isArray(found) ? (found.filter(isRecord) as unknown as SagaMember[]) : [];
  const rows = members.map((one) => {
    const look = html("button", { type: "button", class: "wf-linkish", "data-wf-member": one.id }, `${one.step} ${one.id}`);
    look.addEventListener("click", () => open(one.id));
    return html("tr", {}, html("th", { scope: "row" }, look), html("td", {}, one.forward), html("td", { dir: "auto" }, one.undo), html("td", {}, one.backward));
  });
  const heads = ["Call", "State", "Undo", "State"].map((head) => html("th", { scope: "col" }, head));
  return html("table", {}, html("thead", {}, html("tr", {}, ...heads)), html("tbody", {}, ...rows));
}

function facts(pairs: readonly (readonly [string, string])[]): HTMLElement {
  const rows = pairs.filter(([, value]) => value !== "").flatMap(([label, value]) => [html("dt", {}, label), html("dd", { dir: "auto" }, value)]);
  return html("dl", { class: "wf-facts" }, ...rows);
}
