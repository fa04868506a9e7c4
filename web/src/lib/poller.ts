import { signal } from "@preact/signals";

/** What the poller wants to know of the page. */
export interface PageWatch {
  hidden(): boolean;
  /** Calls back when the page is shown or hidden or comes online again. */
  onChange(callback: () => void): () => void;
}

export interface PollerOptions {
  task: (signal: AbortSignal) => Promise<void>;
  page: PageWatch;
  /** Milliseconds between the end of one run and the start of the next. */
  every: number;
  /** The same after many failures in a row. */
  most: number;
  /** The same while nobody looks; absent means not at all. */
  everyHidden?: number;
}

export type PollState = "connecting" | "live" | "retrying";

/**
 * Runs a task again and again while the page is visible, one run at a time,
 * ever more slowly while it fails, and at once when the page is shown again.
 */
export class Poller {
  readonly state = signal<PollState>("connecting");

  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #run: AbortController | undefined;
  #unwatch: (() => void) | undefined;

  constructor(private readonly options: PollerOptions) {}

  start(): void {
    if (this.#unwatch) return;
    this.#unwatch = this.options.page.onChange(() => {
      if (this.options.page.hidden()) this.#schedule();
      else this.#afresh();
    });
    this.now();
  }

  stop(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
    clearTimeout(this.#timer);
    this.#run?.abort();
    this.#run = undefined;
  }

  /** Runs the task right away, unless it runs already. */
  now(): void {
    if (this.#run || !this.#unwatch) return;
    clearTimeout(this.#timer);
    void this.#once();
  }

  /** Gives up the run in flight and starts over: what it asks has changed. */
  restart(): void {
    this.#failures = 0;
    this.state.value = "connecting";
    this.#afresh();
  }

  /** A run begun before the device slept may wait for an answer in vain. */
  #afresh(): void {
    this.#run?.abort();
    this.#run = undefined;
    this.now();
  }

  async #once(): Promise<void> {
    const run = (this.#run = new AbortController());
    let ok = true;
    try {
      await this.options.task(run.signal);
    } catch {
      ok = false; // the task keeps its own account of what went wrong
    }
    if (this.#run !== run) return; // stopped or started over meanwhile
    this.#run = undefined;
    this.#failures = ok ? 0 : this.#failures + 1;
    this.state.value = ok ? "live" : "retrying";
    this.#schedule();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#run || !this.#unwatch) return;
    const { every, most, everyHidden, page } = this.options;
    if (page.hidden()) {
      if (everyHidden !== undefined) this.#timer = setTimeout(() => this.now(), everyHidden);
      return;
    }
    this.#timer = setTimeout(() => this.now(), Math.min(most, every * 2 ** this.#failures));
  }
}

/** The browser's own page. */
export function browserPage(): PageWatch {
  return {
    hidden: () => document.hidden,
    onChange(callback) {
      document.addEventListener("visibilitychange", callback);
      window.addEventListener("online", callback);
      return () => {
        document.removeEventListener("visibilitychange", callback);
        window.removeEventListener("online", callback);
      };
    },
  };
}
