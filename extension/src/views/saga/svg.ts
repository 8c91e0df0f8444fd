// The ladder as SVG text that stands alone, in the light theme: what an export or a report wants.
import { escaped, legible } from "../../markup";
import { letters, stateLook } from "../../palette";
import type { SagaLadder, SagaNode, SagaRow } from "../../protocol";
import { cellPaths } from "../waffle";
import { nameOf, number, signOf, standingOf } from "./words";

const TOP = 26;

export function svgOf(ladder: SagaLadder): string {
  const { wide } = ladder;
  const style = "text{font:12px system-ui,sans-serif;fill:#1f2328}.s{font-size:10.5px;fill:#57606a}.b{font-weight:600}.w{fill:none;stroke-width:1.5;stroke-dasharray:6 4}.inferred{stroke-dasharray:1.5 4}";
  const bridges = wide.bridges.map((bridge) => `<path class="w ${bridge.link}" stroke="${stateLook(bridge.look).light}" d="${bridge.path}"/>`);
  const turn = wide.turn ? `<path fill="none" stroke-width="2" stroke="${stateLook("FAILED").light}" d="${wide.turn}"/>` : "";
  const rows = ladder.rows.map((row) => rowOf(row, wide.forward, wide.back));
  const heads = `${line(wide.forward[0], 15, "Forward", "s b", 30)}${line(wide.back[0], 15, "Compensation", "s b", 30)}`;
  const size = `width="${wide.width}" height="${ladder.height + TOP}" viewBox="0 0 ${wide.width} ${ladder.height + TOP}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size}><style>${style}</style><rect width="100%" height="100%" fill="#fff"/>${heads}<g transform="translate(0 ${TOP})">${bridges.join("")}${turn}${rows.join("")}</g></svg>`;
}

function rowOf(row: SagaRow, forward: readonly [number, number], back: readonly [number, number]): string {
  if (row.kind === "fold") return line(forward[0] + 12, row.y + 19, `${number(row.count)} clean pairs`, "s b", 60);
  const pivot = row.is_pivot ? `<path stroke="#8b949e" stroke-width="4" d="M${forward[0]} ${row.y + row.height + 5}H${back[0] + back[1]}"/>` : "";
  const left = row.forward ? nodeOf(row.forward, forward[0], row.y, forward[1], row.height) : "";
  if (row.back === null) return left + pivot;
  const remark = row.back.is_slight ? line(back[0] + 44, row.y + row.height / 2 + 4, `${row.back.word} ${row.back.name}`, "s", 30) : nodeOf(row.back, back[0], row.y, back[1], row.height);
  return left + remark + pivot;
}

function nodeOf(node: SagaNode, x: number, y: number, width: number, height: number): string {
  const colour = stateLook(node.look).light;
  const dash = node.look === "PENDING" || node.state === "missing" ? ' stroke-dasharray="4 3"' : "";
  const frame = `<rect width="${width}" height="${height}" rx="5" fill="#fff" stroke="${colour}" stroke-width="1.4"${dash}/><rect width="5" height="${height}" fill="${colour}"/>`;
  const title = line(12, 19, `${signOf(node)}\uFE0E ${nameOf(node)}`, "b", (width - 20) / 7);
  const order = node.order ? `<text x="${width - 8}" y="${height - 9}" text-anchor="end" class="s b">${escaped(node.order)}</text>` : "";
  return `<g transform="translate(${x} ${y})">${frame}${title}${cellsOf(node, width - 22)}${line(12, height - 9, standingOf(node), "s", (width - 40) / 5.9)}${order}</g>`;
}

function cellsOf(node: SagaNode, inner: number): string {
  const { columns, rows, paths } = cellPaths(node.cells);
  if (rows === 0) return "";
  const painted = [...paths].map(([letter, path]) => `<path d="${path}" fill="${stateLook(letters.get(letter) ?? "UNKNOWN").light}"/>`).join("");
  return `<g transform="translate(12 32) scale(${inner / columns} ${36 / rows})">${painted}</g>`;
}

function line(x: number, y: number, content: string, style: string, most: number): string {
  return `<text x="${x}" y="${y}" class="${style}">${escaped(legible(content, most))}</text>`;
}
