import { signal } from "@preact/signals";
import { ApiError } from "../api/client";
import type { ClipFile } from "../api/types";
import { isAbort, problemOf, type Problem } from "../lib/problem";

/** Milliseconds before asking again of a server that is busy. */
const WAITS = [3_000, 6_000, 12_000];

export type DownloadState =
  | { name: "idle" }
  | { name: "preparing" }
  | { name: "done"; file: ClipFile }
  | { name: "failed"; problem: Problem };

/** Has a file put together and sends the browser to fetch it. */
export class Download {
  readonly state = signal<DownloadState>({ name: "idle" });
  #run: AbortController | undefined;

  /** fetch makes the browser save what is at an address. */
  constructor(private readonly fetch: (url: string) => void) {}

  async start(ask: (signal: AbortSignal) => Promise<ClipFile>): Promise<void> {
    this.stop();
    const run = (this.#run = new AbortController());
    this.state.value = { name: "preparing" };
    try {
      const file = await patiently(ask, run.signal);
      if (this.#run !== run) return;
      this.state.value = { name: "done", file };
      this.fetch(file.url);
    } catch (error) {
      if (this.#run === run && !isAbort(error)) this.state.value = { name: "failed", problem: problemOf(error) };
    }
  }

  stop(): void {
    this.#run?.abort();
    this.#run = undefined;
    this.state.value = { name: "idle" };
  }
}

async function patiently<T>(ask: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
  for (const wait of WAITS) {
    try {
      return await ask(signal);
    } catch (error) {
      if (!(error instanceof ApiError) || (error.status !== 503 && error.status !== 429)) throw error;
    }
    await sleep(wait, signal);
  }
  return ask(signal);
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new DOMException("abandoned", "AbortError"));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}

/** The file is sent as an attachment: the page stays where it is. */
export function saveInBrowser(url: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = "";
  link.click();
}
