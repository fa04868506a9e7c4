import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Api } from "../../src/api/client";
import type { CameraEvent, EventQuery } from "../../src/api/types";
import { UnreachableError } from "../../src/lib/http";
import { t } from "../../src/messages";
import { CameraDay } from "../../src/playback/day";
import type { Opening } from "../../src/playback/engine";
import { piecesOf, type Piece } from "../../src/playback/pieces";
import type { Span } from "../../src/playback/spans";
import { event, FakePage } from "./helpers";

const MINUTE = 60_000;
const MIDNIGHT = new Date(2026, 0, 5).getTime();
const at = (hours: number, minutes = 0, seconds = 0) => MIDNIGHT + (hours * 60 + minutes) * MINUTE + seconds * 1000;
const iso = (time: number) => new Date(time).toISOString();

class Element extends EventTarget {
  currentTime = 0;
  paused = true;
  ended = false;
  seeking = false;
  playbackRate = 1;
  defaultPlaybackRate = 1;
  async play(): Promise<void> {
    this.paused = false;
  }
  pause(): void {
    this.paused = true;
  }
}

describe("CameraDay", () => {
  let recorded: Span[];
  let events: CameraEvent[];
  let asked: Span[];
  let windows: Span[];
  let queries: EventQuery[];
  let openings: (Opening & { pieces: Piece[] })[];
  let fails: Error | undefined;
  let perAnswer: number;
  let element: Element;
  let day: CameraDay;

  beforeEach(() => {
    vi.useFakeTimers({ now: at(15) });
    recorded = [];
    events = [];
    [asked, windows, queries, openings] = [[], [], [], []];
    fails = undefined;
    perAnswer = 100;
    element = new Element();
    const within = (from: Date, to: Date) =>
      recorded
        .map((span) => ({ from: Math.max(span.from, from.getTime()), to: Math.min(span.to, to.getTime()) }))
        .filter((span) => span.to > span.from);
    const api: Partial<Api> = {
      async listRecordings(camera, from, to) {
        if (fails) throw fails;
        asked.push({ from: from.getTime(), to: to.getTime() });
        const found = within(from, to);
        const next = found[perAnswer];
        return {
          camera,
          ranges: found.slice(0, perAnswer).map((span) => ({ from: iso(span.from), to: iso(span.to) })),
          ...(next ? { more_from: iso(next.from) } : {}),
        };
      },
      async listEvents(query) {
        queries.push(query);
        return { events };
      },
      async playCamera(_, from, to) {
        windows.push({ from: from.getTime(), to: to.getTime() });
        return { protocol: "hls", url: "https://video.example/", expires_at: "", from: from.toISOString(), to: to.toISOString() };
      },
    };
    day = new CameraDay(api as Api, new FakePage(), Date.now, async (opening) => {
      const pieces = opening.bounds ? piecesOf(recorded, opening.bounds) : [];
      openings.push({ ...opening, pieces });
      return { pieces: () => pieces, live: () => false, resume() {}, stop() {} };
    });
    day.video.attach(element as unknown as HTMLVideoElement);
  });
  afterEach(() => {
    day.stop();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
  const show = async (time?: number) => {
    day.show("home.door", time);
    await pass(0);
  };
  const ready = async () => {
    await pass(0);
    openings.at(-1)?.onReady();
    await pass(0);
  };
  const end = async () => {
    element.dispatchEvent(new Event("ended"));
    await pass(0);
  };

  it("asks for the day so far, on where an answer was too long, and for its events", async () => {
    recorded = [{ from: at(8), to: at(9) }, { from: at(10), to: at(10, 30) }, { from: at(14, 59), to: at(16) }];
    perAnswer = 1;
    await show();
    expect(asked.map(({ from }) => from)).toEqual([MIDNIGHT, at(10), at(14, 59)]);
    expect(day.spans.value).toEqual([recorded[0], recorded[1], { from: at(14, 59), to: at(15) }]);
    expect(queries[0]).toMatchObject({ camera: "home.door", from: iso(MIDNIGHT), limit: 100 });
    expect(Date.parse(queries[0]?.to ?? "")).toBe(new Date(2026, 0, 6).getTime());
    expect(day.loaded.value).toBe(true);
  });

  it("is not led in circles by where to ask on", async () => {
    recorded = [{ from: at(8), to: at(9) }];
    perAnswer = 0;
    await show();
    expect(asked.length).toBeLessThan(5);
  });

  it("begins at its newest event, or near the end of its video", async () => {
    recorded = [{ from: at(8), to: at(9) }];
    await show();
    expect(day.cursor.value).toBe(at(9) - 5_000);
    events = [event(1, { started_at: iso(at(8, 30)) })];
    day.show("home.garden", undefined);
    await pass(0);
    expect(day.cursor.value).toBe(at(8, 30) - 3_000);
  });

  it("adds what is recorded meanwhile without asking for the whole day again", async () => {
    recorded = [{ from: at(8), to: at(9) }, { from: at(14, 50), to: at(16) }];
    await show();
    await pass(20_000);
    expect(asked.at(-1)).toEqual({ from: at(14, 59), to: at(15, 0, 20) });
    expect(day.spans.value).toEqual([recorded[0], { from: at(14, 50), to: at(15, 0, 20) }]);
  });

  it("leaves a day that is over alone", async () => {
    await show(MIDNIGHT - MINUTE);
    expect(asked).toHaveLength(1);
    await pass(10 * MINUTE);
    expect(asked).toHaveLength(1);
  });

  it("says what is wrong, and recovers", async () => {
    fails = new UnreachableError(t.problem.unreachable);
    await show();
    expect([day.problem.value, day.loaded.value]).toEqual([t.problem.unreachable, false]);
    fails = undefined;
    await pass(60_000);
    expect([day.problem.value, day.loaded.value]).toEqual([undefined, true]);
  });

  it("opens an hour around a time, and seeks within it", async () => {
    recorded = [{ from: at(8), to: at(12) }];
    await show(at(9));
    day.play();
    await ready();
    expect(windows).toEqual([{ from: at(8, 55), to: at(9, 55) }]);
    expect(openings[0]?.at).toBe(at(9));
    day.play(at(9, 30));
    expect(element.currentTime).toBe(35 * 60);
    day.play(at(10));
    await ready();
    expect(windows[1]).toEqual({ from: at(9, 55), to: at(10, 55) });
  });

  it("goes on into the next hour, and over a gap, and says so", async () => {
    recorded = [{ from: at(8), to: at(9, 30) }, { from: at(11), to: at(12) }];
    await show(at(8, 0, 30));
    day.play();
    await ready();
    expect(windows[0]).toEqual({ from: at(7, 55, 30), to: at(8, 55, 30) });
    await end();
    await ready();
    expect(windows[1]).toEqual({ from: at(8, 55, 30) + 500, to: at(9, 55, 30) + 500 });
    expect(day.note.value).toBeUndefined();
    await end();
    await ready();
    expect(windows[2]).toEqual({ from: at(11), to: at(12) });
    expect(day.note.value).toEqual({ kind: "gap", from: at(9, 30), to: at(11) });
    await end();
    expect(day.note.value).toEqual({ kind: "newest" });
    expect(windows).toHaveLength(3);
  });

  it("goes on by itself when there is more at the end of today", async () => {
    recorded = [{ from: at(14), to: at(14, 58) }];
    await show(at(14, 50));
    day.play();
    await ready();
    await end();
    expect(day.note.value).toEqual({ kind: "newest" });
    recorded = [{ from: at(14), to: at(15, 30) }];
    await pass(20_000);
    expect(windows).toHaveLength(2);
    expect(windows[1]?.from).toBe(at(14, 58) + 500);
  });

  it("goes from a gap to the next video, after the last back to it, and says so", async () => {
    recorded = [{ from: at(8), to: at(9) }, { from: at(11), to: at(12) }];
    await show(at(8));
    day.play(at(10));
    await pass(0);
    expect(openings[0]?.at).toBe(at(11));
    expect(day.note.value).toEqual({ kind: "gap", from: at(10), to: at(11) });
    day.play(at(14));
    await pass(0);
    expect(day.note.value).toEqual({ kind: "newest" });
    expect(openings[1]?.at).toBe(at(12) - 5_000);
  });

  it("does not ask for the same time without end when nothing comes of it", async () => {
    recorded = [{ from: at(8), to: at(9) }];
    await show(at(8));
    day.play();
    await ready();
    openings.at(-1)?.pieces.splice(0, 9, { start: 0, date: at(8), length: 500 });
    for (let i = 0; i < 5; i++) await end();
    expect(windows).toHaveLength(1);
    expect(day.note.value).toEqual({ kind: "newest" });
  });

  it("finds the events before and after the time shown", async () => {
    recorded = [{ from: at(8), to: at(12) }];
    events = [3, 2, 1].map((n) => event(n, { started_at: iso(at(8 + n)) }));
    await show(at(10));
    expect(day.neighbor(1)).toBe(at(11) - 3_000);
    expect(day.neighbor(-1)).toBe(at(9) - 3_000);
    day.go(at(8));
    expect(day.neighbor(-1)).toBeUndefined();
    expect([day.cursor.value, windows.length]).toEqual([at(8), 0]);
  });
});
