import { REPLAY } from "../views/replay/content";
import { widgetOf } from "../widget";

export default widgetOf(REPLAY);
