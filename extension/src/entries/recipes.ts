import { RECIPES } from "../views/recipes";
import { widgetOf } from "../widget";

export default widgetOf(RECIPES);
