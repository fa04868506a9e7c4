import { computed, signal } from "@preact/signals";
import type { Api } from "../api/client";
import type { Camera } from "../api/types";
import { Poller, type PageWatch } from "../lib/poller";
import { isAbort, problemOf, type Problem } from "../lib/problem";

/** The owner's cameras and what they say they are doing. */
export class Cameras {
  readonly list = signal<readonly Camera[] | undefined>(undefined);
  readonly problem = signal<Problem | undefined>(undefined);
  /** Those that run the built-in people detector, which the app must say. */
  readonly weak = computed(() => (this.list.value ?? []).filter((camera) => camera.detector?.weak));
  readonly poller: Poller;

  constructor(
    private readonly api: Api,
    page: PageWatch,
  ) {
    this.poller = new Poller({ task: (signal) => this.#poll(signal), page, every: 5_000, most: 60_000 });
  }

  stop(): void {
    this.poller.stop();
    this.list.value = undefined;
    this.problem.value = undefined;
  }

  async #poll(signal: AbortSignal): Promise<void> {
    try {
      this.list.value = await this.api.listCameras(signal);
      this.problem.value = undefined;
    } catch (error) {
      if (!isAbort(error)) this.problem.value = problemOf(error);
      throw error;
    }
  }
}
