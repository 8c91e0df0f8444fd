import { API_LOG } from "../views/api_log";
import { widgetOf } from "../widget";

export default widgetOf(API_LOG);
