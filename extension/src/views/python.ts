// Python in colours, for reading: cut into comments, strings, numbers, keywords and the rest. Together the pieces are the text, whatever it is.

export interface CodePiece {
  readonly kind: "comment" | "string" | "number" | "keyword" | "plain";
  readonly text: string;
}

const QUOTED = /[rbfuRBFU]{0,2}(?:"""[^]*?(?:"""|$)|'''[^]*?(?:'''|$)|"(?:[^"\\\n]|\\[^])*"?|'(?:[^'\\\n]|\\[^])*'?)/.source;
const KEYWORD =
  /\b(?:False|None|True|and|as|assert|async|await|break|class|continue|def|del|elif|else|except|finally|for|from|global|if|import|in|is|lambda|nonlocal|not|or|pass|raise|return|try|while|with|yield)\b/.source;
const NUMBER = /\b\d[\w.]*/.source;
const WORD = /[\p{L}_][\p{L}\p{N}_]*/u.source; // so that a digit or a keyword inside a name is none

const token = new RegExp(`(#[^\\n]*)|(${QUOTED})|(${KEYWORD})|(${NUMBER})|${WORD}`, "gu");

export function pythonPieces(text: string): CodePiece[] {
  const found: CodePiece[] = [];
  let end = 0;
  for (const match of text.matchAll(token)) {
    const [whole, comment, string, keyword, number] = match;
    const kind = comment !== undefined ? "comment" : string !== undefined ? "string" : keyword !== undefined ? "keyword" : number !== undefined ? "number" : null;
    if (kind === null) continue; // a name: it stays with what is around it
    if (match.index > end) found.push({ kind: "plain", text: text.slice(end, match.index) });
    found.push({ kind, text: whole });
    end = match.index + whole.length;
  }
  if (end < text.length) found.push({ kind: "plain", text: text.slice(end) });
  return found;
}
