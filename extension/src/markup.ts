// Text for markup that is written as text: pictures and pages that are exported.
const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;" };
// As wflab/views/svg.py has it. By code points: what makes an emoji are two halves of none only when they are not together.
const UNPRINTABLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]/gu;

/** What a person may read of it: at most so many characters, and none that an XML document could not hold or that would turn others about. */
export function legible(value: string, most: number): string {
  const shown = [...value.replace(UNPRINTABLE, "\uFFFD")];
  return shown.length <= most ? shown.join("") : `${shown.slice(0, Math.max(2, Math.floor(most) - 1)).join("")}…`;
}

export function escaped(value: string): string {
  return value.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
