// Notes as the Markdown of one cell: what people wrote stays text there, and each links back to its step.
import type { ReplayPicture, StepNote } from "../../protocol";
import { pythonText } from "./words";

const ADDRESS = /^#wflab-replay\/([^/]+)\/(\d+)$/;

export interface StepPlace {
  readonly instance_id: string;
  readonly step: number;
}

/** The fragment that a link to a step leads to; JupyterLab's extension answers it (panels/step_links.ts). */
export function addressOf({ instance_id, step }: StepPlace): string {
  const id = encodeURIComponent(wellFormed(instance_id)).replace(/[!'()*~_]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
  return `#wflab-replay/${id}/${step}`;
}

/** The step that such a fragment names; null for any other. */
export function placeAt(address: string): StepPlace | null {
  const [, id, step] = ADDRESS.exec(address) ?? [];
  try {
    return id === undefined ? null : { instance_id: decodeURIComponent(id), step: Number(step) };
  } catch {
    return null;
  }
}

/** One cell's Markdown: a list of the notes, each with its step, line and event. */
export function notesAsMarkdown(picture: ReplayPicture): string {
  const { instance_id, name } = picture;
  const [first] = picture.notes;
  const items = picture.notes.map((note) => `- [Step ${note.step}](${addressOf({ instance_id, step: note.step })})${told(note)}`);
  const code = codeSpan(`lab.get(${pythonText(oneLine(instance_id))}).replay(${first?.step ?? 1})`);
  return [`**Notes on the replay of ${asText(oneLine(name))}**`, "", ...items, "", `Without the links: ${code}`].join("\n");
}

function told(note: StepNote): string {
  const line = note.line === null ? "" : `, line ${note.line}`;
  const lines = note.text.split(/[\n\r\v\f\u0085\u2028\u2029]+/).map(oneLine).filter((one) => one !== "").map(asText);
  return `${line}, ${asText(oneLine(note.event))}: ${lines.join("\\\n  ")}`;
}

function wellFormed(given: string): string {
  return given.replace(/\p{Surrogate}/gu, "\ufffd");
}

/** Without what ends a line, what a terminal obeys, and what turns the direction of all that follows. */
function oneLine(given: string): string {
  return wellFormed(given).replace(/\s+/g, " ").replace(/[\0-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, "\ufffd").trim();
}

/**
 * Text that no Markdown is made of. What could be math stands in code, since MathJax reads the page as drawn, whatever was escaped; a backtick and
 * an @ are entities, since Jupyter looks for code and for its own marks (`@@0@@`) in the source without minding backslashes.
 */
function asText(line: string): string {
  return line.replace(/[\\$]+|[`@]|[!#&()*+.:<=>[\]^_{|}~-]/g, (found) => (/[\\$]/.test(found) ? codeSpan(found) : /[`@]/.test(found) ? `&#${found.charCodeAt(0)};` : `\\${found}`));
}

/** Code, fenced by more backticks than stand in it. */
function codeSpan(code: string): string {
  const longest = Math.max(0, ...[...code.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  const room = longest > 0 ? " " : "";
  return `${fence}${room}${code}${room}${fence}`;
}
