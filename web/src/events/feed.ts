import { computed, signal } from "@preact/signals";
import { ApiError, type Api } from "../api/client";
import type { CameraEvent, EventQuery } from "../api/types";
import { Poller, type PageWatch } from "../lib/poller";
import { isAbort, problemOf, type Problem } from "../lib/problem";
import { merge, reaches } from "./merge";

/** Which events to show; an empty text means all. */
export interface Filter {
  camera: string;
  label: string;
  severity: "" | "alert";
}

export const NO_FILTER: Filter = { camera: "", label: "", severity: "" };

/** Events asked for at once. */
const PAGE = 30;

/** Ongoing events below the newest page, looked up one by one, at most. */
const STRAGGLERS = 3;
const STRAGGLER_AGE = 3_600_000;

/** The owner's events, newest first, kept up to date while someone looks. */
export class Feed {
  readonly filter = signal<Filter>(NO_FILTER);
  readonly events = signal<readonly CameraEvent[]>([]);
  /** Whether the first page has arrived. */
  readonly loaded = signal(false);
  readonly problem = signal<Problem | undefined>(undefined);
  readonly loadingOlder = signal(false);
  readonly olderProblem = signal<Problem | undefined>(undefined);
  /** Every label seen so far, for the filter to offer. */
  readonly labels = signal<readonly string[]>([]);
  /** The last ones to arrive on their own, for the screen reader and the title. */
  readonly arrived = signal<readonly CameraEvent[]>([]);
  readonly hasOlder = computed(() => this.#cursor.value !== undefined);
  readonly poller: Poller;

  readonly #cursor = signal<string | undefined>(undefined);
  #older: AbortController | undefined;

  constructor(
    private readonly api: Api,
    page: PageWatch,
    private readonly now: () => number,
  ) {
    this.poller = new Poller({
      task: (signal) => this.#poll(signal),
      page,
      every: 2_000,
      most: 30_000,
      everyHidden: 60_000,
    });
  }

  setFilter(filter: Filter): void {
    const { camera, label, severity } = this.filter.value;
    if (camera === filter.camera && label === filter.label && severity === filter.severity) return;
    this.filter.value = filter;
    this.#forget();
    this.poller.restart();
  }

  stop(): void {
    this.poller.stop();
    this.#forget();
    this.labels.value = [];
  }

  /** One event, from what is loaded or else from the API. */
  async event(id: string, signal?: AbortSignal): Promise<CameraEvent> {
    return this.find(id) ?? (await this.api.getEvent(id, signal));
  }

  find(id: string): CameraEvent | undefined {
    return this.events.value.find((event) => event.event_id === id);
  }

  /** Asks for an event again because its picture's address has expired. */
  async renew(id: string): Promise<CameraEvent> {
    const fresh = await this.api.getEvent(id);
    const events = this.events.value;
    if (events.some((event) => event.event_id === id && event.sequence <= fresh.sequence)) {
      this.events.value = events.map((event) => (event.event_id === id ? fresh : event));
    }
    return fresh;
  }

  /** The next page further back. */
  async loadOlder(): Promise<void> {
    const cursor = this.#cursor.value;
    if (cursor === undefined || this.#older) return;
    const run = (this.#older = new AbortController());
    this.loadingOlder.value = true;
    this.olderProblem.value = undefined;
    try {
      const page = await this.api.listEvents({ ...this.#query(), cursor }, run.signal);
      if (this.#older !== run) return;
      this.#take(page.events);
      this.#cursor.value = page.next_cursor;
    } catch (error) {
      if (this.#older === run && !isAbort(error)) this.olderProblem.value = problemOf(error);
    } finally {
      if (this.#older === run) this.#stopOlder();
    }
  }

  #query(): EventQuery {
    const { severity, ...rest } = this.filter.value;
    return { ...rest, ...(severity ? { severity } : {}), limit: PAGE };
  }

  async #poll(signal: AbortSignal): Promise<void> {
    try {
      const page = await this.api.listEvents(this.#query(), signal);
      if (signal.aborted) return;
      const first = !this.loaded.value;
      if (first || !reaches(this.events.value, page.events, page.next_cursor === undefined)) {
        // A gap (the device slept, say): begin anew rather than hide events.
        const known = new Set(this.events.value.map((event) => event.event_id));
        this.#stopOlder();
        this.events.value = [];
        this.#take(page.events);
        this.#cursor.value = page.next_cursor;
        if (!first) this.arrived.value = page.events.filter((event) => !known.has(event.event_id));
      } else {
        const added = this.#take(page.events);
        if (added.length > 0) this.arrived.value = added;
      }
      this.loaded.value = true;
      this.problem.value = undefined;
      await this.#followStragglers(page.events, signal);
    } catch (error) {
      if (!isAbort(error)) this.problem.value = problemOf(error);
      throw error;
    }
  }

  /** Ongoing events can end after newer ones have pushed them off the page. */
  async #followStragglers(page: readonly CameraEvent[], signal: AbortSignal): Promise<void> {
    const onPage = new Set(page.map((event) => event.event_id));
    const since = this.now() - STRAGGLER_AGE;
    const stragglers = this.events.value
      .filter((e) => e.state !== "ended" && !onPage.has(e.event_id) && Date.parse(e.updated_at) > since)
      .slice(0, STRAGGLERS);
    for (const { event_id } of stragglers) {
      try {
        this.#take([await this.api.getEvent(event_id, signal)]);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error; // past its keeping time, say
      }
    }
  }

  #take(incoming: readonly CameraEvent[]): CameraEvent[] {
    const { events, added } = merge(this.events.value, incoming);
    this.events.value = events;
    const labels = new Set(this.labels.value);
    for (const event of incoming) for (const label of Object.keys(event.labels)) labels.add(label);
    if (labels.size > this.labels.value.length) this.labels.value = [...labels].sort();
    return added;
  }

  #stopOlder(): void {
    this.#older?.abort();
    this.#older = undefined;
    this.loadingOlder.value = false;
  }

  #forget(): void {
    this.#stopOlder();
    this.events.value = [];
    this.arrived.value = [];
    this.loaded.value = false;
    this.problem.value = undefined;
    this.olderProblem.value = undefined;
    this.#cursor.value = undefined;
  }
}
