import { INBOX } from "../views/inbox";
import { widgetOf } from "../widget";

export default widgetOf(INBOX);
