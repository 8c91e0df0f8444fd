import nodes from "../../../style/nodes.css";
import style from "../../../style/saga.css";
import { viewOf } from "../../shell/shell";
import { SagaContent } from "./content";

export const SAGA = viewOf("saga", nodes + style, (host) => new SagaContent(host));
