// The messages between kernel and page: the twin of wflab/protocol/. tests/protocol/ holds samples that both suites read.
export * from "./api_log";
export * from "./dashboard";
export * from "./graph";
export * from "./head";
export * from "./inbox";
export * from "./messages";
export * from "./replay";
export * from "./recipes";
export * from "./run";
export * from "./saga";
export * from "./timeline";
