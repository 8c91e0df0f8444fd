// The snapshot's door: draws what a notebook or a file holds, with the views' own code and no kernel.
import { type AnyPicture, isPicture, isRecord, type Recoloured, type ViewName } from "./protocol";
import { currentTheme, onThemeChange } from "./theme";
import type { MakeView } from "./view";
import { watchSight } from "./sight";
import { API_LOG } from "./views/api_log";
import { DASHBOARD } from "./views/dashboard";
import { GRAPH } from "./views/graph/content";
import { INBOX } from "./views/inbox";
import { REPLAY } from "./views/replay/content";
import { RECIPES } from "./views/recipes";
import { RunView } from "./views/run";
import { SAGA } from "./views/saga";
import { TIMELINE } from "./views/timeline";

const VERSION = 1;
export const VIEWS: Readonly<Record<ViewName, MakeView>> = {
  run: (send, theme) => new RunView(send, theme),
  graph: GRAPH,
  timeline: TIMELINE,
  saga: SAGA,
  replay: REPLAY,
  inbox: INBOX,
  recipes: RECIPES,
  dashboard: DASHBOARD,
  api_log: API_LOG,
};

export interface Mounted {
  /** Draw another snapshot in the same place. */
  show(snapshot: unknown): void;
  dispose(): void;
}

/** Draw a snapshot into `host`. One that is not ours, or from a newer release, is said to be so. */
export function mountSnapshot(host: HTMLElement, snapshot: unknown): Mounted {
  let drawn = draw(host, snapshot);
  return {
    show: (next) => {
      if (drawn.again(next)) return;
      drawn.dispose();
      drawn = draw(host, next);
    },
    dispose: () => drawn.dispose(),
  };
}

interface Drawn {
  /** Draw another picture of the same kind, so that zoom and scroll stay; false where it is of another. */
  again(snapshot: unknown): boolean;
  dispose(): void;
}

function draw(host: HTMLElement, snapshot: unknown): Drawn {
  const found = read(snapshot);
  if (found === null) {
    host.textContent = "This view was saved by another release of wflab and cannot be drawn here. Run its cell again.";
    return { again: () => false, dispose: () => void (host.textContent = "") };
  }
  const view = VIEWS[found.name](null, currentTheme());
  let seq = 0;
  const show = ({ picture, palette }: Found): void => view.show({ type: "picture", seq: ++seq, picture, palette }, false);
  host.replaceChildren(view.element);
  show(found);
  const forgetTheme = onThemeChange(() => view.paint(currentTheme()));
  const forgetSight = watchSight(view.element, (isSeen) => view.look(isSeen));
  return {
    again: (next) => {
      const other = read(next);
      if (other?.name !== found.name) return false;
      show(other);
      return true;
    },
    dispose: () => {
      forgetTheme();
      forgetSight();
      view.dispose();
      host.replaceChildren();
    },
  };
}

interface Found {
  readonly name: ViewName;
  readonly picture: AnyPicture;
  readonly palette: Recoloured;
}

function read(snapshot: unknown): Found | null {
  if (!isRecord(snapshot) || snapshot["version"] !== VERSION) return null;
  const { view, picture, palette } = snapshot;
  const isOurs = typeof view === "string" && Object.prototype.hasOwnProperty.call(VIEWS, view) && isPicture(picture);
  return isOurs ? { name: view as ViewName, picture, palette: isRecord(palette) ? colours(palette) : {} } : null;
}

/** What of a saved palette is one: a document may hold anything. */
function colours(saved: Readonly<Record<string, unknown>>): Recoloured {
  const isColour = (value: unknown): boolean => typeof value === "string" && /^#[0-9a-f]{6}$/i.test(value);
  return Object.fromEntries(Object.entries(saved).filter(([, four]) => Array.isArray(four) && four.length === 4 && four.every(isColour))) as Recoloured;
}
