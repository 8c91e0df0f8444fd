// The graph as SVG text that stands alone, in the light theme: what an export or a report wants.
import { escaped, legible } from "../../markup";
import { letters, stateLook } from "../../palette";
import type { GraphGroup, GraphPicture, Level, Place } from "../../protocol";
import { countsText } from "../captions";
import { cellPaths, segments } from "../waffle";
import { caption, figures, number, topError } from "./words";

export function svgOf(picture: GraphPicture, level: Level): string {
  const groups = new Map(picture.groups.map((group) => [group.id, group]));
  const frames = new Set(level.frames);
  const style =
    "text{font:12px system-ui,sans-serif;fill:#1f2328}.s{font-size:10.5px;fill:#57606a}.b{font-weight:600}.e{fill:none;stroke:#8b949e;stroke-width:1.4}.planned,.lost{stroke-dasharray:4 3}";
  const edges = level.edges.map((edge) => `<path class="e ${edge.kind}" d="${edge.path}"/>`);
  const nodes = Object.entries(level.places).flatMap(([id, place]) => {
    const group = groups.get(id);
    return group ? [nodeOf(group, place, frames.has(id), picture.now)] : [];
  });
  const size = `width="${level.width}" height="${level.height}" viewBox="0 0 ${level.width} ${level.height}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size}><style>${style}</style><rect width="100%" height="100%" fill="#fff"/>${edges.join("")}${nodes.join("")}</svg>`;
}

function nodeOf(group: GraphGroup, [x, y, width, height]: Place, isFrame: boolean, now: number): string {
  const colour = stateLook(group.state).light;
  const dash = group.planned || group.state === "PENDING" ? ' stroke-dasharray="4 3"' : "";
  const box = `<rect width="${width}" height="${height}" rx="5" fill="${isFrame ? "none" : "#fff"}" stroke="${colour}" stroke-width="1.4"${dash}/>`;
  const double = group.kind === "child" ? `<rect x="3" y="3" width="${width - 6}" height="${height - 6}" rx="3" fill="none" stroke="${colour}" stroke-opacity=".6"/>` : "";
  const spine = isFrame ? "" : `<rect width="5" height="${height}" fill="${colour}"/>`;
  const name = `${stateLook(group.state).glyph}\uFE0E ${group.name || group.kind}${group.count > 1 && group.kind !== "race" ? ` ×${number(group.count)}` : ""}`;
  const inner = width - 22;
  const isLarge = height >= 100 && !isFrame;
  let body = line(12, 19, name, "b", inner / 7);
  if (isLarge) body += barOf(group, inner) + cellsOf(group, inner) + line(12, 75, `${countsText(group.counts)}  ${figures(group)}`, "s", inner / 5.9);
  const counts = group.count > 1 && !isLarge && !["race", "scope"].includes(group.kind) ? `${countsText(group.counts)} · ` : "";
  if (!isFrame) body += line(12, isLarge ? 113 : 37, counts + (topError(group) || caption(group, now)), "s", inner / 5.9);
  return `<g transform="translate(${x} ${y})"${group.planned === "not taken" ? ' opacity=".3"' : ""}>${box}${double}${spine}${body}</g>`;
}

function barOf(group: GraphGroup, inner: number): string {
  let at = 12;
  return segments(group.counts)
    .map(({ state, share }) => {
      const width = (inner * share) / 100;
      const part = `<rect x="${at.toFixed(1)}" y="26" width="${width.toFixed(1)}" height="8" fill="${stateLook(state).light}"/>`;
      at += width;
      return part;
    })
    .join("");
}

function cellsOf(group: GraphGroup, inner: number): string {
  const { columns, rows, paths } = cellPaths(group.cells.toUpperCase());
  if (rows === 0) return "";
  const painted = [...paths].map(([letter, path]) => `<path d="${path}" fill="${stateLook(letters.get(letter) ?? "UNKNOWN").light}"/>`).join("");
  return `<g transform="translate(12 38) scale(${inner / columns} ${22 / rows})">${painted}</g>`;
}

function line(x: number, y: number, content: string, style: string, most: number): string {
  return `<text x="${x}" y="${y}" class="${style}">${escaped(legible(content, most))}</text>`;
}
