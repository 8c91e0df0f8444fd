// Answering many at once: first what would be answered, then the count typed, then one answer for all of them.
import { html, replace, set, text } from "../../dom";
import { type BulkOutcome, type InboxItem, isRecord } from "../../protocol";
import type { Host } from "../../shell/content";
import { flagOf, initial, isPlain, readSchema, resolved } from "./schema";

export interface Many {
  /** Where the ids are not given, all of the group are meant. */
  readonly ids: readonly string[] | null;
  readonly workflow: string | null;
  readonly of_event: string | null;
  readonly example: InboxItem;
  readonly schema: string | undefined;
}

export class Bulk {
  readonly element: HTMLElement;
  readonly #body = html("div", {});
  readonly #word = html("p", { class: "wf-deskword", role: "status" });
  #many: Many | null = null;

  constructor(private readonly host: Host, private readonly closed: () => void) {
    const close = html("button", { type: "button", class: "wf-small", "data-wf-action": "bulk-close" }, "Close");
    close.addEventListener("click", () => this.close());
    this.element = html("section", { class: "wf-bulk", hidden: true, tabindex: -1, "aria-label": "Answer many at once", "data-wf-bulk": "" }, close, this.#body, this.#word);
  }

  get isOpen(): boolean {
    return !this.element.hidden;
  }

  open(many: Many): void {
    this.#many = many;
    this.element.hidden = false;
    const schema = readSchema(many.schema);
    const flag = flagOf(schema);
    if (!isPlain(schema) && flag === null) {
      replace(this.#body, html("p", {}, "These questions take an answer each, not a yes or no; answer them one by one."));
      this.element.focus();
      return;
    }
    const data = (isYes: boolean): unknown => {
      if (schema === null || flag === null) return isYes;
      const begun = initial(resolved(schema, schema), schema);
      return { ...(isRecord(begun) ? begun : {}), [flag]: isYes };
    };
    const look = (verb: "approve" | "reject") => () => void this.#look(verb, data(verb === "approve"));
    const approve = html("button", { type: "button", class: "wf-button wf-approve", "data-wf-action": "bulk-approve" }, html("span", {}, "Approve all: look first"));
    const reject = html("button", { type: "button", class: "wf-button wf-reject", "data-wf-action": "bulk-reject" }, html("span", {}, "Reject all: look first"));
    approve.addEventListener("click", look("approve"));
    reject.addEventListener("click", look("reject"));
    const whom = many.ids === null ? `all of ${many.workflow ?? "the lab"}${many.of_event === null ? "" : ` · ${many.of_event}`}` : `the ${many.ids.length.toLocaleString("en")} marked`;
    replace(this.#body, html("p", {}, `One answer for ${whom}. Nothing is sent before you have seen the list and typed its count.`), html("div", { class: "wf-actions" }, approve, reject));
    text(this.#word, "");
    approve.focus();
  }

  close(): boolean {
    if (!this.isOpen) return false;
    this.element.hidden = true;
    this.#many = null;
    this.closed();
    return true;
  }

  async #look(verb: "approve" | "reject", data: unknown): Promise<void> {
    const found = await this.#ask({ verb, data });
    if (found === null) return;
    const count = found.count;
    const rows = found.would.map(([title, run]) => html("li", { dir: "auto" }, `${title} `, html("code", {}, run)));
    const more = count > rows.length ? [html("li", { class: "wf-muted" }, `and ${(count - rows.length).toLocaleString("en")} more`)] : [];
    const wrong = found.wrong.map(([run, why]) => html("li", { dir: "auto" }, html("code", {}, run), ` cannot be answered so: ${why}`));
    const typed = html("input", { type: "text", inputmode: "numeric", class: "wf-field", "aria-label": `Type ${count} to confirm`, "data-wf-field": "count", autocomplete: "off" });
    const comment = html("input", { type: "text", class: "wf-field wf-wide", "aria-label": "Comment, kept in the record", placeholder: "comment" });
    const go = html("button", { type: "button", class: `wf-button wf-${verb}`, "data-wf-action": "bulk-confirm", disabled: true }, html("span", {}, `${verb === "approve" ? "Approve" : "Reject"} ${count.toLocaleString("en")}`));
    typed.addEventListener("input", () => set(go, { disabled: typed.value.trim() !== String(count) || count === 0 }));
    go.addEventListener("click", () => {
      go.disabled = true;
      text(this.#word, "answering…");
      void this.#ask({ verb, data, count, comment: comment.value }).then((done) => {
        if (done !== null) text(this.#word, `${done.won.toLocaleString("en")} answered${done.lost > 0 ? `, ${done.lost.toLocaleString("en")} were decided before` : ""}.`);
      });
    });
    replace(
      this.#body,
      html("p", {}, `Dry run: ${count.toLocaleString("en")} would be ${verb === "approve" ? "approved" : "rejected"} with `, html("code", {}, JSON.stringify(data)), "."),
      html("ul", { class: "wf-recent", "data-wf-dry-run": String(count) }, ...rows, ...more, ...wrong),
      html("div", { class: "wf-actions" }, html("label", {}, `Type ${count} to confirm: `, typed), comment, go),
    );
    typed.focus();
  }

  async #ask(more: Readonly<Record<string, unknown>>): Promise<BulkOutcome | null> {
    const many = this.#many;
    if (many === null) return null;
    try {
      const found = await this.host.ask("bulk", { ids: many.ids, workflow: many.workflow, of_event: many.of_event, ...more });
      return isRecord(found) && typeof found["count"] === "number" ? (found as unknown as BulkOutcome) : null;
    } catch (error) {
      text(this.#word, error instanceof Error ? error.message : String(error));
      return null;
    }
  }
}
