import { computed, signal } from "@preact/signals";
import type { Api } from "../api/client";
import type { CameraEvent } from "../api/types";
import { merge } from "../events/merge";
import { Poller, type PageWatch } from "../lib/poller";
import { isAbort, problemOf, type Problem } from "../lib/problem";
import type { OpenEngine } from "./engine";
import { clip, cut, dayAround, join, nearestVideo, nextVideo, spanOf, type Span } from "./spans";
import { Video } from "./video";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** The most that the API tells of at once. */
const MOST = 24 * HOUR;

/** What is opened at once, and how much of it lies before the time asked for. */
const WINDOW = HOUR;
const BEFORE = 5 * MINUTE;

/** A difference in milliseconds that is worth a word. */
const GAP = 2_000;

/** Pages of recordings and of events of a day, at most. */
const PAGES = 20;

/** How many looks at what is new there are for one at the whole day, whose gaps may have been filled. */
const WHOLE = 15;

/** Why what is shown is not what was asked for. */
export type Note = { kind: "gap"; from: number; to: number } | { kind: "newest" } | { kind: "over" };

/** One day of one camera: of when there is video, what happened, and what is played. */
export class CameraDay {
  readonly camera = signal("");
  readonly day = signal<Span>({ from: 0, to: 0 });
  readonly spans = signal<readonly Span[]>([]);
  /** Newest first. */
  readonly events = signal<readonly CameraEvent[]>([]);
  readonly loaded = signal(false);
  readonly problem = signal<Problem | undefined>(undefined);
  readonly note = signal<Note | undefined>(undefined);
  /** The time that a finger or a key points at, before it is gone to. */
  readonly aim = signal<number | undefined>(undefined);
  readonly video: Video;
  readonly poller: Poller;
  /** The time that is shown. */
  readonly cursor = computed(() => this.aim.value ?? this.video.date.value ?? this.#chosen.value);

  readonly #chosen = signal(0);
  /** Whether the time was given; if not, it is chosen when the day is known. */
  #given = false;
  #looks = 0;
  /** What is open: asked for from here on. */
  #target = 0;
  #waitsAt: number | undefined;

  constructor(
    private readonly api: Api,
    page: PageWatch,
    private readonly now: () => number,
    openEngine: OpenEngine,
  ) {
    this.video = new Video(openEngine, page, now, {
      ended: (date) => this.#goOn(date),
      skipped: (gap) => (this.note.value = { kind: "gap", ...gap }),
    });
    this.poller = new Poller({ task: (signal) => this.#look(signal), page, every: 20_000, most: 60_000 });
  }

  /** Shows a camera's day; at is a time in it, absent for today. */
  show(camera: string, at: number | undefined): void {
    const day = dayAround(at ?? this.now());
    if (camera === this.camera.value && day.from === this.day.value.from) {
      if (at !== undefined && at !== day.from) this.go(at);
      return;
    }
    this.video.close();
    this.camera.value = camera;
    this.day.value = day;
    this.spans.value = [];
    this.events.value = [];
    this.loaded.value = false;
    this.problem.value = this.note.value = this.aim.value = this.#waitsAt = undefined;
    this.#given = at !== undefined && at !== day.from;
    this.#chosen.value = at ?? this.now();
    this.#looks = 0;
    this.poller.stop();
    this.poller.start();
  }

  stop(): void {
    this.poller.stop();
    this.video.dispose();
  }

  /** Whether the day is still going on. */
  isToday(): boolean {
    return this.now() < this.day.value.to;
  }

  /** Moves to a time without opening anything that is not open. */
  go(at: number): void {
    if (this.video.open.value) this.play(at);
    else {
      this.aim.value = undefined;
      this.#chosen.value = this.#within(at);
    }
  }

  /** Plays from a time on, or from where there is video next. */
  play(at: number = this.cursor.value): void {
    const wanted = this.#within(at);
    const target = nearestVideo(this.spans.value, wanted) ?? wanted;
    this.aim.value = this.#waitsAt = undefined;
    this.#chosen.value = target;
    this.note.value = undefined;
    if (target - wanted > GAP) this.note.value = { kind: "gap", from: wanted, to: target };
    if (wanted - target > GAP) this.note.value = { kind: this.isToday() ? "newest" : "over" };
    if (!this.video.seek(target)) this.#open(target, target - BEFORE);
  }

  /** The start of the event after or before the time shown. */
  neighbor(step: 1 | -1): number | undefined {
    const at = this.cursor.value;
    const starts = this.events.value.map((event) => Date.parse(event.started_at) - LEAD);
    const found = starts.filter((start) => (step > 0 ? start > at + 1_000 : start < at - 3_000));
    if (found.length === 0) return undefined;
    return step > 0 ? Math.min(...found) : Math.max(...found);
  }

  #within(at: number): number {
    const { from, to } = this.day.value;
    return Math.min(Math.max(at, from), Math.min(to - 1_000, Math.max(from, this.now())));
  }

  #open(target: number, from: number): void {
    const camera = this.camera.value;
    const day = this.day.value;
    const start = Math.max(from, day.from);
    const window: Span = { from: start, to: Math.max(Math.min(start + WINDOW, day.to, this.now()), target + 1_000) };
    this.#target = target;
    this.video.play({
      ask: (signal) => this.api.playCamera(camera, new Date(window.from), new Date(window.to), signal),
      at: target,
      spans: () => clip(this.spans.value, window),
      mayCome: () => this.now() - target < 2 * MINUTE,
    });
  }

  /** The last picture of what was open has been shown. */
  #goOn(date: number | undefined): void {
    const end = date ?? this.#target;
    let next = nextVideo(this.spans.value, end + 500);
    if (next !== undefined && end - this.#target < 1_000) {
      // Nothing came of the last try: not there again.
      const stuck = this.spans.value.find((span) => span.from <= end && end < span.to);
      next = nextVideo(this.spans.value, stuck ? stuck.to : end + 500);
    }
    if (next === undefined) {
      this.note.value = { kind: this.isToday() ? "newest" : "over" };
      this.#waitsAt = end;
      return;
    }
    this.#waitsAt = undefined;
    this.note.value = next - end > GAP ? { kind: "gap", from: end, to: next } : undefined;
    this.#open(next, next);
  }

  async #look(signal: AbortSignal): Promise<void> {
    const whole = this.#looks % WHOLE === 0;
    const day = this.day.value;
    if (!whole && !this.isToday()) return; // nothing more will happen
    try {
      const last = this.spans.value.at(-1);
      const from = whole || !last ? day.from : Math.max(day.from, last.to - MINUTE);
      const [spans, events] = await Promise.all([
        this.#recordings({ from, to: Math.min(day.to, this.now()) }, signal),
        this.#happened(day, whole ? PAGES : 1, signal),
      ]);
      if (signal.aborted) return;
      this.#looks++;
      this.spans.value = join(whole ? spans : [...this.spans.value, ...spans]);
      this.events.value = merge(whole ? [] : this.events.value, events).events;
      if (!this.loaded.value && !this.#given) this.#chosen.value = this.#first();
      this.loaded.value = true;
      this.problem.value = undefined;
      if (this.#waitsAt !== undefined && nextVideo(this.spans.value, this.#waitsAt + 500) !== undefined) this.#goOn(this.#waitsAt);
    } catch (error) {
      if (!isAbort(error)) this.problem.value = problemOf(error);
      throw error;
    }
  }

  async #recordings(span: Span, signal: AbortSignal): Promise<Span[]> {
    const found: Span[] = [];
    for (const { from, to } of cut(span, MOST)) {
      let at = from;
      for (let page = 0; page < PAGES && at < to; page++) {
        const { ranges, more_from } = await this.api.listRecordings(this.camera.value, new Date(at), new Date(to), signal);
        for (const range of ranges) found.push(...[spanOf(range)].filter((known) => known !== undefined));
        const more = more_from === undefined ? NaN : Date.parse(more_from);
        if (!(more > at)) break;
        at = more;
      }
    }
    return clip(found, this.day.value);
  }

  async #happened(day: Span, pages: number, signal: AbortSignal): Promise<CameraEvent[]> {
    const [from, to] = [new Date(day.from).toISOString(), new Date(day.to).toISOString()];
    const found: CameraEvent[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < pages; page++) {
      const query = { camera: this.camera.value, from, to, limit: 100, ...(cursor ? { cursor } : {}) };
      const { events, next_cursor } = await this.api.listEvents(query, signal);
      found.push(...events);
      if (!next_cursor) break;
      cursor = next_cursor;
    }
    return found;
  }

  /** Where a day is opened: at its newest event, else near the end of its video. */
  #first(): number {
    const newest = this.events.value[0];
    const at = newest && nextVideo(this.spans.value, Date.parse(newest.started_at) - LEAD);
    return at ?? nearestVideo(this.spans.value, this.day.value.to) ?? this.#chosen.value;
  }
}

/** How long before an event to begin, in milliseconds, so that its start is not missed. */
export const LEAD = 3_000;
