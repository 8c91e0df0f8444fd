// The lab's clock as the page knows it. It runs on by itself only while the picture's does and the kernel is there.
import type { AnyPicture } from "./protocol";

export class Clock {
  #shown = 0;
  #offset = 0;
  #ticks = false;

  /** Follow a picture. `pushed` tells one that was sent just now from one that may have lain in the widget's state for days. */
  follow(picture: AnyPicture, pushed: boolean, here: number = Date.now()): void {
    this.#shown = picture.now;
    this.#ticks = picture.ticks;
    this.#offset = pushed ? picture.now - here : Math.max(0, picture.now - here);
  }

  /** Stand at a picture's own moment: a snapshot knows of nothing later. */
  stand(picture: AnyPicture): void {
    this.#shown = picture.now;
    this.#ticks = false;
  }

  /** Stop where it is: nobody knows how things go on. */
  stop(here: number = Date.now()): void {
    this.#shown = this.now(here);
    this.#ticks = false;
  }

  get ticks(): boolean {
    return this.#ticks;
  }

  /** Milliseconds since the epoch. */
  now(here: number = Date.now()): number {
    return this.#ticks ? here + this.#offset : this.#shown;
  }
}
