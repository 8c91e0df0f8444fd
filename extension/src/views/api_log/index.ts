// The API log: every call that came in by a sidecar of the lab. The filter, the page and whether it stands still are the kernel's.
import style from "../../../style/api_log.css";
import { html, replace, set, text } from "../../dom";
import { refocus } from "../../keys";
import { type ApiCallRow, type ApiLogPicture, isApiCallDetail, isApiLogPicture } from "../../protocol";
import type { Content, Host, KeyHelp, TableData } from "../../shell/content";
import { viewOf } from "../../shell/shell";
import { asked, OPEN_VIEW } from "../doors";
import { barsOf } from "./bars";
import { Calls, keyOf } from "./calls";
import { tabsOf, titleOf } from "./detail";
import { Filters } from "./filters";
import { count, emptyText, LAB, sentence, tookText } from "./words";

const KEYS: readonly KeyHelp[] = [
  { keys: "/", what: "filter by text" },
  { keys: "p", what: "let the table stand still, and follow again" },
  { keys: "f", what: "only failed calls, and all again" },
];

class ApiLog implements Content<ApiLogPicture> {
  readonly element: HTMLElement;
  readonly tools: readonly HTMLElement[];
  readonly keys = KEYS;
  readonly #filters = new Filters((change) => this.#ask("filter", { ...change }), (isPaused) => this.#ask("pause", { is_paused: isPaused }));
  readonly #trouble = html("p", { class: "wf-strip", hidden: true });
  readonly #empty = html("p", { class: "wf-empty" });
  readonly #numbers = html("div", { class: "wf-callnumbers" });
  readonly #chips = html("div", { class: "wf-chips", role: "group", "aria-label": "Calls by API" });
  readonly #bars = html("div", {});
  readonly #calls: Calls;
  readonly #body: HTMLElement;
  #picture: ApiLogPicture | null = null;
  #blocked: string | null;
  #complaint = "";
  #opened = "";

  constructor(private readonly host: Host) {
    this.#blocked = host.blocked;
    this.#calls = new Calls({ turn: (args) => this.#ask("page", args), open: (row) => void this.#open(row) });
    this.tools = this.#filters.tools;
    this.#body = html("div", { class: "wf-dash" }, this.#numbers, this.#chips, this.#bars, this.#calls.element);
    this.element = html("div", {}, this.#trouble, this.#filters.state, this.#empty, this.#body);
  }

  fits(picture: unknown): picture is ApiLogPicture {
    return isApiLogPicture(picture);
  }

  title(picture: ApiLogPicture): string {
    return `API log of ${picture.lab}`;
  }

  draw(picture: ApiLogPicture): void {
    this.#picture = picture;
    const isEmpty = picture.total + picture.newer === 0;
    this.#drawTrouble();
    this.#filters.draw(picture, this.#blocked);
    text(this.#empty, isEmpty ? emptyText(picture) : "");
    this.#empty.hidden = !isEmpty;
    this.#body.hidden = isEmpty;
    this.#drawNumbers(picture);
    this.#drawChips(picture);
    const choose = (since: number, until: number): void => this.#ask("filter", { since: new Date(since).toISOString(), until: new Date(until).toISOString() });
    replace(this.#bars, barsOf(picture, this.#blocked === null ? choose : null));
    this.#calls.draw(picture, this.#blocked);
  }

  key(event: KeyboardEvent): boolean {
    if (event.key === "/") this.#filters.focus();
    else if (event.key === "p") this.#filters.turnPause();
    else if (event.key === "f") this.#ask("filter", { outcome: this.#picture?.filter.outcome === "failed" ? "" : "failed" });
    else return false;
    return true;
  }

  sentence(picture: ApiLogPicture): string {
    return `API log: ${sentence(picture)}`;
  }

  table(picture: ApiLogPicture): TableData {
    const rows = picture.calls.map((call) => [new Date(call.at).toISOString(), call.app || LAB, call.api, call.method, call.target, call.status, call.is_failed ? "failed" : "ok", tookText(call.took_ms), call.caller, call.error]);
    return { caption: this.sentence(picture), heads: ["Time", "App", "API", "Method", "Target", "Status", "Outcome", "Took", "Caller", "Error"], rows, total: picture.total };
  }

  footnote(picture: ApiLogPicture): string {
    const dropped = picture.dropped > 0 ? ` · ${count(picture.dropped)} came too fast to be recorded` : "";
    return `${count(picture.total + picture.newer)} of ${count(picture.everything)} calls · showing ${count(picture.calls.length)}${dropped}`;
  }

  code(picture: ApiLogPicture): string {
    return `${picture.code}.df()`;
  }

  block(reason: string | null): void {
    this.#blocked = reason;
    if (this.#picture !== null) this.draw(this.#picture);
  }

  dispose(): void {
    this.#filters.dispose();
  }

  #ask(what: string, args: Readonly<Record<string, unknown>>): void {
    if (this.#blocked !== null) return;
    this.#complaint = "";
    this.host.ask(what, args).catch((error: unknown) => {
      this.#complaint = error instanceof Error ? error.message : String(error);
      this.#drawTrouble();
    });
  }

  #drawTrouble(): void {
    const said = this.#picture?.trouble ?? this.#complaint;
    text(this.#trouble, said);
    this.#trouble.hidden = said === "";
  }

  #drawNumbers(picture: ApiLogPicture): void {
    const number = (name: string, value: string, isBad = false): HTMLElement => html("span", { class: isBad ? "wf-callbad" : undefined, "data-wf-number": name }, html("b", {}, value), ` ${name}`);
    const total = picture.total + picture.newer;
    replace(this.#numbers, number(total === 1 ? "call" : "calls", count(total)), number("failed", count(picture.failed), picture.failed > 0), number("took at the median", tookText(picture.p50)), number("took at the 95th percentile", tookText(picture.p95)),
      picture.served === "" ? null : html("span", { class: "wf-muted", "data-wf-served": "" }, `served at ${picture.served}`));
  }

  #drawChips(picture: ApiLogPicture): void {
    const focused = this.#chips.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset["wfChip"] : undefined;
    replace(
      this.#chips,
      ...picture.apis.map((group) => {
        const isChosen = picture.filter.api === group.name;
        const failed = group.failed > 0 ? html("span", { class: "wf-callbad" }, `✕ ${count(group.failed)}`) : null;
        const chip = html("button", { type: "button", class: "wf-small wf-statechip", "aria-pressed": String(isChosen), disabled: this.#blocked !== null, "data-wf-chip": group.name, "data-wf-count": group.count, title: this.#blocked ?? (isChosen ? "show all APIs" : `only calls of ${group.name}`) }, html("span", {}, `${group.name} ${count(group.count)}`), failed);
        chip.addEventListener("click", () => this.#ask("filter", { api: isChosen ? "" : group.name }));
        return chip;
      }),
    );
    if (focused !== undefined) refocus(this.#chips.querySelector<HTMLElement>(`[data-wf-chip="${CSS.escape(focused)}"]`));
  }

  async #open(call: ApiCallRow): Promise<void> {
    this.#opened = keyOf(call);
    this.#calls.choose(call);
    try {
      const found = await this.host.ask("call", { place: call.place, at: call.at });
      if (!isApiCallDetail(found) || this.#opened !== keyOf(call)) return; // another one was pressed meanwhile
      this.host.drawer.show(titleOf(call), tabsOf(found, this.#picture?.now ?? call.at, {
        open: (other) => void this.#open(other),
        onlyTrace: (trace) => this.#ask("filter", { trace }),
        openRun: (instance_id, name) => this.#openRun(instance_id, name),
      }));
    } catch (error) {
      this.host.drawer.show(titleOf(call), [{ name: "Call", body: () => html("p", {}, error instanceof Error ? error.message : String(error)) }]);
    }
  }

  /** JupyterLab's extension opens the run beside the notebook; where there is none, the code that shows it is told. */
  #openRun(instance_id: string, name: string): void {
    this.host.focusOn({ instance_id, group: null, span_id: null, attempt: null });
    if (asked(this.element, OPEN_VIEW, { view: "run", instance_id, name })) return;
    const code = html("pre", { class: "wf-code" }, `lab.get(${JSON.stringify(instance_id)})`);
    set(code, { tabindex: 0 });
    this.host.drawer.show(`${name} ${instance_id}`, [{ name: "Open in a cell", body: () => code }]);
  }
}

export const API_LOG = viewOf("api_log", style, (host) => new ApiLog(host));
