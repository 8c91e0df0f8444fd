import { GRAPH } from "../views/graph/content";
import { widgetOf } from "../widget";

export default widgetOf(GRAPH);
