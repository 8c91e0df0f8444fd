// A fork from a step: first what it would reuse and what would run again, then, at the second press, the fork.
import { html, replace } from "../../dom";
import { type ForkPlan, isForkPlan, isRecord } from "../../protocol";
import type { Host } from "../../shell/content";
import { plural, pythonText } from "./words";

export class ForkPanel {
  readonly element = html("section", { class: "wf-fork", "aria-label": "Fork", "data-wf-fork": "", hidden: true });
  #asked = 0;

  constructor(private readonly host: Host) {}

  /** Show what a fork at this step means; with `isEdit` the result that the step took up can be changed. */
  async open(step: number, isEdit: boolean): Promise<void> {
    const asked = (this.#asked += 1);
    this.element.hidden = false;
    replace(this.element, html("p", { class: "wf-muted" }, "Asking what a fork would do …"));
    try {
      const plan = await this.host.ask("fork_plan", { step });
      if (asked !== this.#asked) return;
      if (!isForkPlan(plan)) throw new Error("this kernel answers otherwise; reload the page");
      this.#draw(step, plan, isEdit);
    } catch (reason) {
      if (asked === this.#asked) this.#say(String(reason instanceof Error ? reason.message : reason));
    }
  }

  close(): boolean {
    if (this.element.hidden) return false;
    this.#asked += 1;
    this.element.hidden = true;
    replace(this.element);
    return true;
  }

  #draw(step: number, plan: ForkPlan, isEdit: boolean): void {
    if (isEdit && plan.payload === null) {
      this.#say("This step took up no result or event that could be edited; choose one that did.");
      return;
    }
    const field = isEdit ? html("textarea", { class: "wf-field wf-edit", rows: 4, spellcheck: "false", "aria-label": `${plan.edits ?? "result"}, as JSON`, "data-wf-field": "edit" }) : null;
    if (field) field.value = pretty(plan.payload ?? "null");
    const problem = html("p", { class: "wf-strip", role: "alert", hidden: true });
    const sure = html("button", { type: "button", class: "wf-button", "data-wf-action": "fork-now" }, `Fork: ${plural(plan.reused_total, "result")} reused, ${plural(plan.again_total, "call")} may run again`);
    const cancel = html("button", { type: "button", class: "wf-small", "data-wf-action": "fork-cancel" }, "Cancel");
    cancel.addEventListener("click", () => this.close());
    sure.addEventListener("click", () => {
      sure.disabled = true;
      const edit = field?.value;
      if (edit !== undefined && !isJson(edit)) {
        problem.hidden = false;
        problem.textContent = "The result must be JSON, such as {\"id\": 1} or \"text\".";
        sure.disabled = false;
        return;
      }
      this.host.ask("fork", { step, ...(edit === undefined ? {} : { edit }) }).then(
        (data) => {
          const id = isRecord(data) ? String(data["instance_id"]) : "";
          replace(this.element, html("p", { "data-wf-forked": id }, "Forked: ", html("code", {}, `lab.get(${pythonText(id)})`), " is the new run. This one stays as it is."));
          this.host.say("forked");
        },
        (reason: Error) => {
          problem.hidden = false;
          problem.textContent = reason.message;
          sure.disabled = false;
        },
      );
    });
    replace(
      this.element,
      html("h4", { class: "wf-panetitle" }, isEdit ? `A new run with another result for: ${plan.edits ?? ""}` : `A new run that shares steps 1 to ${step}`),
      field,
      names("Reused as recorded, not run again", "reused", plan.reused, "nothing yet"),
      names("May run again, with all they do outside", "again", plan.again, "nothing that this run has done"),
      problem,
      html("div", { class: "wf-forkacts" }, sure, cancel),
    );
    (field ?? sure).focus();
  }

  #say(what: string): void {
    const close = html("button", { type: "button", class: "wf-small", "data-wf-action": "fork-cancel" }, "Close");
    close.addEventListener("click", () => this.close());
    replace(this.element, html("p", { role: "alert" }, what), close);
  }
}

function names(title: string, hook: string, list: readonly string[], none: string): HTMLElement {
  return html("p", { [`data-wf-${hook}`]: list.length, dir: "auto" }, html("strong", {}, `${title}: `), list.length > 0 ? list.join(", ") : none, ".");
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 1);
  } catch {
    return text;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
