// What kernel and page say to each other about a view: the twin of wflab/protocol/messages.py, where the meaning of each field is told.
// tests/protocol/ holds samples that both suites read.

export type ViewName = "run" | "graph" | "timeline" | "replay" | "saga" | "inbox" | "dashboard" | "recipes" | "api_log";

/** What every picture has, whatever it shows. */
export interface AnyPicture {
  readonly view: string;
  readonly now: number;
  readonly ticks: boolean;
  readonly is_over: boolean;
}

export interface Focus {
  readonly instance_id: string;
  readonly group: string | null;
  readonly span_id: string | null;
  readonly attempt: number | null;
}

/** The states that have other colours than ours: light, what is readable on it, dark, what is readable on that. */
export type Recoloured = Readonly<Record<string, readonly [light: string, lightOn: string, dark: string, darkOn: string]>>;

export interface ShowPicture {
  readonly type: "picture";
  readonly seq: number;
  readonly picture: AnyPicture;
  readonly palette?: Recoloured | undefined;
  readonly is_closed?: boolean;
}

export interface ShowChange {
  readonly type: "change";
  readonly since: number;
  readonly seq: number;
  readonly picture: AnyPicture;
  readonly delta: unknown;
}

export interface Notice {
  readonly type: "notice";
  readonly text: string;
  readonly token: string | null;
  readonly level: "info" | "error";
}

export interface Reply {
  readonly type: "reply";
  readonly id: string;
  readonly data: unknown;
  readonly error: string | null;
}

export interface FocusMoved {
  readonly type: "focus";
  readonly focus: Focus | null;
}

export interface Act {
  readonly type: "act";
  readonly act: "raise";
  readonly token: string;
  readonly wait_id: string;
  readonly event: string;
  readonly data: unknown;
  readonly instance_id: string | null;
  readonly verb: "approve" | "reject" | "respond" | "edit" | null;
  readonly comment: string | null;
  readonly key: number | null;
}

export interface Ready {
  readonly type: "ready";
  readonly theme: "light" | "dark";
  readonly page: string;
}

export interface Sight {
  readonly type: "sight";
  readonly page: string;
  readonly is_seen: boolean;
}

export interface Request {
  readonly type: "request";
  readonly id: string;
  readonly what: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

export interface SetFocus {
  readonly type: "set_focus";
  readonly focus: Focus | null;
}

export interface Switch {
  readonly type: "switch";
  readonly view: ViewName;
  readonly instance_id: string | null;
}

export type ToPage = ShowPicture | ShowChange | Notice | Reply | FocusMoved;
export type FromPage = Act | Ready | Sight | Request | SetFocus | Switch;

/** The message of a kernel; null for what is no message of ours, or of a newer kernel. */
export function readFromKernel(value: unknown): ToPage | null {
  if (!isRecord(value)) return null;
  switch (value["type"]) {
    case "picture":
      return typeof value["seq"] === "number" && isPicture(value["picture"]) ? (value as unknown as ShowPicture) : null;
    case "change":
      return typeof value["since"] === "number" && isPicture(value["picture"]) ? (value as unknown as ShowChange) : null;
    case "notice":
      return typeof value["text"] === "string" ? (value as unknown as Notice) : null;
    case "reply":
      return typeof value["id"] === "string" ? (value as unknown as Reply) : null;
    case "focus":
      return value["focus"] === null || isRecord(value["focus"]) ? (value as unknown as FocusMoved) : null;
    default:
      return null;
  }
}

export function isPicture(value: unknown): value is AnyPicture {
  return isRecord(value) && typeof value["view"] === "string" && typeof value["now"] === "number";
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** 128 random bits; `randomUUID` would be missing where a hub is reached over plain HTTP. */
export function newToken(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
