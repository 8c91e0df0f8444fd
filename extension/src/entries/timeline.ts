import { TIMELINE } from "../views/timeline";
import { widgetOf } from "../widget";

export default widgetOf(TIMELINE);
