// Acts on many runs: first the list of what they would be done to, then a press that names the count.
import { badge, html, replace, set, text } from "../../dom";
import { type DashboardBulk, isRecord } from "../../protocol";
import type { Host } from "../../shell/content";
import { count } from "./cells";

const VERBS: readonly (readonly [verb: string, label: string, words: string])[] = [
  ["terminate", "Terminate…", "end them from outside, with their children"],
  ["suspend", "Suspend…", "what arrives waits until they are resumed"],
  ["resume", "Resume…", "suspended ones go on"],
  ["rerun", "Rerun failed…", "a new run of each failed one, from the call that failed"],
];

export class Many {
  readonly element: HTMLElement;
  readonly #whom = html("span", {});
  readonly #buttons: readonly HTMLButtonElement[];
  readonly #panel = html("section", { class: "wf-dryrun", hidden: true, tabindex: -1, "aria-label": "Dry run" });

  constructor(private readonly host: Host) {
    this.#buttons = VERBS.map(([verb, label, words]) => {
      const button = html("button", { type: "button", class: "wf-small", title: words, "data-wf-action": `bulk-${verb}` }, label);
      button.addEventListener("click", () => void this.#look(verb));
      return button;
    });
    this.element = html("div", { class: "wf-many" }, html("div", { class: "wf-manybar", role: "toolbar", "aria-label": "Acts on many" }, this.#whom, ...this.#buttons), this.#panel);
  }

  draw(chosen: number, total: number, blocked: string | null): void {
    text(this.#whom, chosen > 0 ? `${count(chosen)} marked:` : `all ${count(total)} listed:`);
    for (const [place, button] of this.#buttons.entries()) set(button, { disabled: blocked !== null || total === 0, title: blocked ?? VERBS[place]?.[2] });
    if (blocked !== null) this.close();
  }

  close(): boolean {
    if (this.#panel.hidden) return false;
    this.#panel.hidden = true;
    replace(this.#panel);
    return true;
  }

  async #look(verb: string): Promise<void> {
    const found = await this.#ask({ verb });
    if (found === null) return;
    const rows = found.would.map(([run, workflow, state]) => html("li", { dir: "auto" }, badge(state), ` ${workflow} `, html("code", {}, run)));
    const more = found.count > rows.length ? [html("li", { class: "wf-muted" }, `and ${count(found.count - rows.length)} more`)] : [];
    const go = html("button", { type: "button", class: "wf-button wf-reject", "data-wf-action": "bulk-confirm", disabled: found.count === 0 }, html("span", {}, `${verb} ${count(found.count)} ${found.count === 1 ? "run" : "runs"}`));
    const leave = html("button", { type: "button", class: "wf-small", "data-wf-action": "bulk-close" }, "Leave it");
    leave.addEventListener("click", () => this.close());
    go.addEventListener("click", () => {
      go.disabled = true;
      void this.#ask({ verb, count: found.count }).then((done) => {
        if (done === null) return;
        const wrong = done.errors.map(([run, why]) => html("li", { dir: "auto" }, html("code", {}, run), ` ${why}`));
        this.#say(`Done to ${count(done.done)}${done.failed > 0 ? `, not to ${count(done.failed)}` : ""}. Each is a row of audit.`, wrong, leave);
      });
    });
    const unfit = found.unfit > 0 ? ` ${count(found.unfit)} of those listed cannot be.` : "";
    this.#say(`Dry run: ${verb} would be done to ${count(found.count)}.${unfit} Nothing has happened yet.`, [...rows, ...more], go, leave);
    set(this.#panel, { "data-wf-dry-run": found.count });
    (found.count > 0 ? go : leave).focus();
  }

  #say(words: string, rows: readonly HTMLElement[], ...acts: readonly HTMLElement[]): void {
    set(this.#panel, { "data-wf-dry-run": undefined });
    replace(this.#panel, html("p", { role: "status" }, words), rows.length > 0 ? html("ul", { class: "wf-dryrows", tabindex: 0 }, ...rows) : null, html("div", { class: "wf-manybar" }, ...acts));
    this.#panel.hidden = false;
  }

  async #ask(args: Readonly<Record<string, unknown>>): Promise<DashboardBulk | null> {
    try {
      const found = await this.host.ask("bulk", args);
      return isRecord(found) && typeof found["count"] === "number" ? (found as unknown as DashboardBulk) : null;
    } catch (error) {
      const leave = html("button", { type: "button", class: "wf-small" }, "Close");
      leave.addEventListener("click", () => this.close());
      this.#say(error instanceof Error ? error.message : String(error), [], leave);
      return null;
    }
  }
}
