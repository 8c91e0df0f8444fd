// The JupyterLab extension's door: a list of plugins. What each does stands in its own file, a command with its panel.
// Whatever an application lacks (Notebook 7 has no status bar) is left out.
import type { JupyterFrontEndPlugin } from "@jupyterlab/application";
import { beside } from "./panels/beside";
import { historyFile } from "./panels/history_file";
import { inspector } from "./panels/inspector";
import { links } from "./panels/links";
import { mime } from "./panels/mime";
import { recipes } from "./panels/recipes";
import { sidebar } from "./panels/sidebar";
import { start } from "./panels/start";
import { status } from "./panels/status";
import { stepLinks } from "./panels/step_links";

// each provides something else, and a list of plugins is typed for any of them
const plugins = [links, mime, sidebar, status, inspector, beside, historyFile, recipes, stepLinks, start] as JupyterFrontEndPlugin<unknown>[];

export default plugins;
