import { RunView } from "../views/run";
import { widgetOf } from "../widget";

export default widgetOf((send, theme) => new RunView(send, theme));
