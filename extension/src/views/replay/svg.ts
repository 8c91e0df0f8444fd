// The scrubber as SVG text that stands alone, in the light theme.
import { stateLook } from "../../palette";
import type { ReplayPicture } from "../../protocol";
import { STATES } from "./words";

const MOST = 400;
const WIDTH = 720;

export function svgOf(picture: ReplayPicture, position: number): string {
  const total = Math.max(1, picture.steps_total);
  const count = Math.min(total, MOST);
  const x = (at: number): number => Math.round((16 + ((WIDTH - 32) * (at - 1)) / Math.max(1, total - 1)) * 10) / 10;
  const dots = Array.from({ length: count }, (_, place) => {
    const at = 1 + Math.floor((place * total) / count);
    const letter = picture.outcomes[at - 1] ?? "C";
    const text = total <= 40 ? `<text x="${x(at)}" y="42" text-anchor="middle">${at}</text>` : "";
    return `<circle cx="${x(at)}" cy="18" r="${total <= 60 ? 5 : 2}" fill="${stateLook(STATES[letter] ?? "UNKNOWN").light}"/>${text}`;
  });
  const notes = (picture.notes ?? []).map(({ step }) => `<path d="M${x(step) - 3} 26h6v3.5l-2.5 2.5h-3.5z" fill="#0969da"/>`);
  const style = "text{font:10.5px system-ui,sans-serif;fill:#57606a}";
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="48" viewBox="0 0 ${WIDTH} 48"><style>${style}</style><rect width="100%" height="100%" fill="#fff"/><path d="M16 18H${WIDTH - 16}" stroke="#8b949e" stroke-opacity=".5" stroke-width="3"/>${dots.join("")}${notes.join("")}<circle cx="${x(position)}" cy="18" r="9" fill="none" stroke="#0969da" stroke-width="2"/></svg>`;
}
