import { effect, untracked } from "@preact/signals";
import type { Playback } from "../api/types";
import type { Video } from "../playback/video";

/** After so many milliseconds without a picture it is shown as a recording is. */
const SLOW = 4_000;

/** Shows what a recording would, at its newest, while there is no direct way. */
export class Standby {
  #camera = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unwatch: (() => void) | undefined;

  constructor(
    readonly video: Video,
    private readonly ask: (camera: string, signal: AbortSignal) => Promise<Playback>,
  ) {}

  start(camera: string): void {
    this.#camera = camera;
    this.#unwatch = effect(() => {
      // The newest of what a recording holds, not its beginning.
      if (this.video.state.value.name === "ready") untracked(() => this.video.toNow());
    });
  }

  /** Plays in a while, unless it is called off. */
  soon(): void {
    if (this.#timer === undefined && !this.video.open.value) this.#timer = setTimeout(() => this.play(), SLOW);
  }

  play(): void {
    this.callOff();
    if (this.video.open.value) return;
    const camera = this.#camera;
    this.video.play({ ask: (signal) => this.ask(camera, signal), mayCome: () => true });
  }

  /** What plays already goes on. */
  callOff(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  close(): void {
    this.callOff();
    this.video.close();
  }

  stop(): void {
    this.close();
    this.#unwatch?.();
    this.#unwatch = undefined;
  }
}
