// Questions to the kernel, each with its answer.
import { type FromPage, newToken, type Reply } from "../protocol";

const PATIENCE_MS = 30_000;

interface Waiting {
  readonly resolve: (data: unknown) => void;
  readonly reject: (reason: Error) => void;
}

export class Asking {
  readonly #waiting = new Map<string, Waiting>();

  constructor(private readonly send: (message: FromPage) => void) {}

  ask(what: string, args: Readonly<Record<string, unknown>>): Promise<unknown> {
    const id = newToken();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      setTimeout(() => this.#settle(id)?.reject(new Error("no answer from the kernel; try again")), PATIENCE_MS);
      this.send({ type: "request", id, what, arguments: args });
    });
  }

  hear(reply: Reply): void {
    const waiting = this.#settle(reply.id);
    if (reply.error === null) waiting?.resolve(reply.data);
    else waiting?.reject(new Error(reply.error));
  }

  #settle(id: string): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}
