import style from "../../../style/timeline.css";
import { viewOf } from "../../shell/shell";
import { Timeline } from "./timeline";

export const TIMELINE = viewOf("timeline", style, (host) => new Timeline(host));
