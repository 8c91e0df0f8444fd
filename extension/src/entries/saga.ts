import { SAGA } from "../views/saga";
import { widgetOf } from "../widget";

export default widgetOf(SAGA);
