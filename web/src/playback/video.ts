import { computed, signal } from "@preact/signals";
import { ApiError } from "../api/client";
import type { Playback } from "../api/types";
import { UnreachableError } from "../lib/http";
import type { PageWatch } from "../lib/poller";
import { isAbort, problemOf, SignedOutError, type Problem } from "../lib/problem";
import { t } from "../messages";
import type { Engine, Fault, OpenEngine } from "./engine";
import { dateAt, endOf, gapBetween, secondsAt } from "./pieces";
import { spanOf, type Span } from "./spans";

/** Milliseconds before asking again, for video that is not there yet and after failures. */
const WAITS = [2_000, 4_000, 8_000, 15_000, 30_000];

/** A renewed address that serves no longer than this is not worth renewing at once. */
const RENEWAL = 10_000;

/** More than this between two pictures, in milliseconds, is a gap worth a word. */
const GAP = 2_000;

/** How long after its end the rest of an event's video may be under way. */
export const SETTLE = 20_000;

export type VideoState =
  | { name: "closed" }
  | { name: "opening" }
  | { name: "ready" }
  /** There is no video yet; it is asked for again by itself. */
  | { name: "waiting" }
  /** There is none, and none will come. */
  | { name: "none" }
  /** This browser cannot decode it. */
  | { name: "unplayable" }
  /** Something went wrong; when again is set it is tried again by itself. */
  | { name: "failed"; problem: Problem; again: boolean };

/** What to play. */
export interface Question {
  ask: (signal: AbortSignal) => Promise<Playback>;
  /** The first picture's time, in milliseconds since 1970; absent for the beginning. */
  at?: number;
  /** Of when there is video, as far as known. */
  spans?: () => readonly Span[];
  /** Whether video that is not there may still come. */
  mayCome: () => boolean;
}

/**
 * Plays one question at a time in a video element: asks for an address, opens
 * it, renews it at the same picture when it has expired, and tries again after
 * failures, ever more slowly, at once when the network is back.
 */
export class Video {
  readonly state = signal<VideoState>({ name: "closed" });
  /** When the picture on screen was recorded, in milliseconds since 1970. */
  readonly date = signal<number | undefined>(undefined);
  /** Whether more is being added to what is played. */
  readonly live = signal(false);
  readonly open = computed(() => this.state.value.name !== "closed");
  /** How fast to play; 1 is as it was. */
  readonly rate = signal(1);

  #element: HTMLVideoElement | undefined;
  #detach: AbortController | undefined;
  #question: Question | undefined;
  #run: AbortController | undefined;
  #engine: Engine | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unwatch: (() => void) | undefined;
  #failures = 0;
  #breaks = 0;
  #readyAt = 0;
  #playing = true;
  #bounds: Span | undefined;
  /** The time of the element up to which it has played without a jump, to notice gaps. */
  #mark: number | undefined;

  constructor(
    private readonly openEngine: OpenEngine,
    private readonly page: PageWatch,
    private readonly now: () => number,
    private readonly told: {
      /** The last picture has been shown, and when it was recorded. */
      ended?: (date: number | undefined) => void;
      /** A gap has been played over. */
      skipped?: (gap: Span) => void;
    } = {},
  ) {}

  /** Takes an element to play in; an element at a time. */
  attach(element: HTMLVideoElement): void {
    this.#detach?.abort();
    this.#element = element;
    const abort = (this.#detach = new AbortController());
    const on = (name: string, callback: () => void) => element.addEventListener(name, callback, { signal: abort.signal });
    on("timeupdate", () => this.#tick());
    on("seeking", () => (this.#mark = undefined));
    on("seeked", () => this.#tick());
    on("ratechange", () => this.#engine && this.state.value.name === "ready" && (this.rate.value = element.playbackRate));
    on("ended", () => this.told.ended?.(endOf(this.#engine?.pieces() ?? [])));
    if (this.#question && this.state.value.name === "opening") void this.#open();
  }

  /** Plays something from its beginning or a given time. */
  play(question: Question): void {
    this.#reset();
    this.#question = question;
    this.#playing = true;
    this.#failures = this.#breaks = this.#readyAt = 0;
    this.date.value = question.at;
    this.#unwatch ??= this.page.onChange(() => this.#woken());
    this.state.value = { name: "opening" };
    if (this.#element) void this.#open();
  }

  /** Shows the picture of a time; false when what is open does not reach there. */
  seek(at: number): boolean {
    const element = this.#element;
    const pieces = this.#engine?.pieces() ?? [];
    const seconds = secondsAt(pieces, at);
    if (!element || seconds === undefined || this.state.value.name !== "ready") return false;
    if (this.#bounds && at < this.#bounds.from && at < (pieces[0]?.date ?? 0)) return false;
    const over = element.ended;
    element.currentTime = seconds;
    this.date.value = Math.max(at, dateAt(pieces, seconds) ?? at);
    if (over) this.#start();
    return true;
  }

  setRate(rate: number): void {
    this.rate.value = rate;
    if (this.#element) this.#element.playbackRate = this.#element.defaultPlaybackRate = rate;
  }

  /** To the newest picture of what is still being added to. */
  toNow(): void {
    const end = endOf(this.#engine?.pieces() ?? []);
    if (end !== undefined) this.seek(end - 4_000);
    this.#start();
  }

  pause(): void {
    this.#element?.pause();
  }

  /** Asks anew at once, at the same picture: there may be more now. */
  renew(): void {
    if (!this.#question) return;
    this.#remember();
    this.#failures = 0;
    this.state.value = { name: "opening" };
    void this.#open();
  }

  /** Lets go of everything; play begins anew. */
  close(): void {
    this.#reset();
    this.#question = undefined;
    this.#unwatch?.();
    this.#unwatch = undefined;
    this.date.value = undefined;
    this.state.value = { name: "closed" };
  }

  /** Forgets the element too. */
  dispose(): void {
    this.close();
    this.#detach?.abort();
    this.#element = undefined;
  }

  async #open(): Promise<void> {
    const [question, video] = [this.#question, this.#element];
    if (!question || !video) return;
    this.#reset();
    const run = (this.#run = new AbortController());
    try {
      const playback = await question.ask(run.signal);
      if (run.signal.aborted) return;
      const { from, to } = playback;
      this.#bounds = from && to ? spanOf({ from, to }) : undefined;
      const engine = await this.openEngine({
        video,
        url: playback.url,
        at: this.date.value,
        spans: question.spans?.() ?? [],
        bounds: this.#bounds,
        onReady: () => !run.signal.aborted && this.#ready(),
        onFault: (fault) => !run.signal.aborted && this.#fault(fault),
      });
      if (run.signal.aborted) return engine?.stop();
      if (!engine) this.state.value = { name: "unplayable" };
      this.#engine = engine;
    } catch (error) {
      if (this.#run === run && !isAbort(error)) this.#refused(error, question);
    }
  }

  #ready(): void {
    const video = this.#element;
    if (!video) return;
    const rate = this.rate.value;
    this.state.value = { name: "ready" };
    this.#failures = 0;
    this.#readyAt = this.now();
    this.setRate(rate);
    this.#tick();
    if (this.#playing) this.#start();
  }

  /** Without sound where a browser wants a touch for it; else its own button waits. */
  #start(): void {
    const video = this.#element;
    video?.play().catch((error: unknown) => {
      if (!(error instanceof DOMException) || error.name !== "NotAllowedError" || video.muted) return;
      video.muted = true;
      video.play().catch(() => {});
    });
  }

  #refused(error: unknown, { mayCome }: Question): void {
    if (error instanceof SignedOutError) return this.close();
    const status = error instanceof ApiError ? error.status : 0;
    if (error instanceof ApiError && status === 404 && isNoVideo(error)) {
      if (!mayCome()) {
        this.state.value = { name: "none" };
        return;
      }
      this.state.value = { name: "waiting" };
    } else {
      const again = error instanceof UnreachableError || status >= 500 || status === 429;
      this.state.value = { name: "failed", problem: problemOf(error), again };
      if (!again) return;
    }
    this.#later();
  }

  #fault(fault: Fault): void {
    this.#remember();
    this.#stopEngine();
    switch (fault) {
      case "codec":
        this.state.value = { name: "unplayable" };
        return;
      case "broken":
        if (this.#breaks++ > 0) {
          this.state.value = { name: "failed", problem: t.video.broken, again: false };
          return;
        }
        this.state.value = { name: "opening" };
        void this.#open();
        return;
      case "refused":
        if (this.#readyAt > 0 && this.now() - this.#readyAt > RENEWAL) {
          this.state.value = { name: "opening" };
          void this.#open();
          return;
        }
        this.state.value = { name: "failed", problem: t.video.refused, again: true };
        break;
      case "unreachable":
        this.state.value = { name: "failed", problem: t.video.unreachable, again: true };
    }
    this.#later();
  }

  /** Tries again after a while, longer after each failure. */
  #later(): void {
    clearTimeout(this.#timer);
    const wait = WAITS[Math.min(this.#failures++, WAITS.length - 1)];
    this.#timer = setTimeout(() => !this.page.hidden() && void this.#open(), wait);
  }

  /** The page is shown again or the network is back. */
  #woken(): void {
    if (this.page.hidden()) return;
    const state = this.state.value;
    if (state.name === "ready") this.#engine?.resume();
    if (state.name === "waiting" || (state.name === "failed" && state.again)) void this.#open();
  }

  #tick(): void {
    const video = this.#element;
    if (!video || this.state.value.name !== "ready") return;
    const seconds = video.currentTime;
    const pieces = this.#engine?.pieces() ?? [];
    const date = dateAt(pieces, seconds);
    this.live.value = this.#engine?.live() ?? false;
    if (date === undefined) return;
    if (!video.seeking) {
      const gap = this.#mark === undefined ? undefined : gapBetween(pieces, this.#mark, seconds, GAP);
      if (gap) this.told.skipped?.(gap);
      this.#mark = seconds;
    }
    this.date.value = date;
  }

  /** Whether it played, for what comes in its place to do so too. */
  #remember(): void {
    if (this.state.value.name === "ready" && this.#element) this.#playing = !this.#element.paused;
  }

  #stopEngine(): void {
    this.#engine?.stop();
    this.#engine = undefined;
    this.#mark = undefined;
    this.live.value = false;
  }

  #reset(): void {
    clearTimeout(this.#timer);
    this.#run?.abort();
    this.#run = undefined;
    this.#stopEngine();
  }
}

const isNoVideo = ({ type }: ApiError): boolean => /(^|[/:#])no-video$/.test(type);
