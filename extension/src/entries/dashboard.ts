import { DASHBOARD } from "../views/dashboard";
import { widgetOf } from "../widget";

export default widgetOf(DASHBOARD);
