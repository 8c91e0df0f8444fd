// JSON in colours: cut into pieces by kind; whatever is no JSON comes out whole and plain.

export interface Piece {
  readonly kind: "key" | "string" | "number" | "word" | "plain";
  readonly text: string;
}

const token = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;

export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(token)) {
    if (match.index > end) found.push({ kind: "plain", text: text.slice(end, match.index) });
    const [whole, string, colon, number] = match;
    if (string !== undefined) {
      found.push({ kind: colon === undefined ? "string" : "key", text: string });
      if (colon !== undefined) found.push({ kind: "plain", text: colon });
    } else {
      found.push({ kind: number === undefined ? "word" : "number", text: whole });
    }
    end = match.index + whole.length;
  }
  if (end < text.length) found.push({ kind: "plain", text: text.slice(end) });
  return found;
}
