import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../../src/api/client";
import type { Playback } from "../../src/api/types";
import { UnreachableError } from "../../src/lib/http";
import { SignedOutError } from "../../src/lib/problem";
import { t } from "../../src/messages";
import { Download } from "../../src/playback/download";
import type { Fault, Opening } from "../../src/playback/engine";
import type { Piece } from "../../src/playback/pieces";
import { Video, type Question } from "../../src/playback/video";
import { FakePage } from "./helpers";

/** As much of a video element as the player touches. */
class FakeElement extends EventTarget {
  currentTime = 0;
  paused = true;
  ended = false;
  seeking = false;
  muted = false;
  playbackRate = 1;
  defaultPlaybackRate = 1;
  refusesSound = false;
  async play(): Promise<void> {
    if (this.refusesSound && !this.muted) throw new DOMException("no gesture", "NotAllowedError");
    this.paused = false;
  }
  pause(): void {
    this.paused = true;
  }
  /** Plays on to a time of its own. */
  at(seconds: number): void {
    this.currentTime = seconds;
    this.dispatchEvent(new Event("timeupdate"));
  }
}

const START = Date.UTC(2026, 0, 5, 12);
const noVideo = new ApiError(404, { title: "No video" }, "no-video");

describe("Video", () => {
  let page: FakePage;
  let element: FakeElement;
  let pieces: Piece[];
  let openings: Opening[];
  let stopped: number;
  let asked: number;
  let fails: Error | undefined;
  let mayCome: boolean;
  let told: string[];
  let video: Video;

  beforeEach(() => {
    vi.useFakeTimers({ now: START + 3_600_000 });
    page = new FakePage();
    element = new FakeElement();
    pieces = [{ start: 0, date: START, length: 60_000 }];
    openings = [];
    [stopped, asked, fails, mayCome, told] = [0, 0, undefined, true, []];
    video = new Video(
      async (opening) => {
        openings.push(opening);
        let open = true;
        return {
          pieces: () => (open ? pieces : []),
          live: () => false,
          resume() {},
          stop() {
            if (open) stopped++;
            open = false;
          },
        };
      },
      page,
      Date.now,
      {
        ended: (date) => told.push(`ended ${date}`),
        skipped: ({ from, to }) => told.push(`skipped ${from - START} ${to - START}`),
      },
    );
  });
  afterEach(() => {
    video.dispose();
    expect(vi.getTimerCount()).toBe(0);
    expect(page.watchers).toBe(0);
    expect(stopped).toBe(openings.length);
    vi.useRealTimers();
  });

  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
  const name = () => video.state.value.name;
  const playback = (): Playback => ({
    protocol: "hls",
    url: `https://video.example/${asked}`,
    expires_at: new Date(START).toISOString(),
    from: new Date(START).toISOString(),
    to: new Date(START + 60_000).toISOString(),
  });
  const question = (changes: Partial<Question> = {}): Question => ({
    ask: async (signal) => {
      asked++;
      await Promise.resolve();
      if (signal.aborted) throw new DOMException("abandoned", "AbortError");
      if (fails) throw fails;
      return playback();
    },
    mayCome: () => mayCome,
    ...changes,
  });
  const start = async (changes: Partial<Question> = {}) => {
    video.play(question(changes));
    video.attach(element as unknown as HTMLVideoElement);
    await pass(0);
  };
  const ready = async () => {
    openings.at(-1)?.onReady();
    await pass(0);
  };
  const fault = async (kind: Fault) => {
    openings.at(-1)?.onFault(kind);
    await pass(0);
  };

  it("asks when there is an element, opens, plays and tells the time of the picture", async () => {
    video.play(question({ at: START + 5_000 }));
    await pass(0);
    expect([name(), asked]).toEqual(["opening", 0]);
    video.attach(element as unknown as HTMLVideoElement);
    await pass(0);
    expect(openings[0]).toMatchObject({ url: "https://video.example/1", at: START + 5_000, bounds: { from: START, to: START + 60_000 } });
    await ready();
    expect([name(), element.paused]).toEqual(["ready", false]);
    element.at(7.5);
    expect(video.date.value).toBe(START + 7_500);
  });

  it("plays without sound where the browser wants a touch for it", async () => {
    element.refusesSound = true;
    await start();
    await ready();
    expect([element.muted, element.paused]).toEqual([true, false]);
  });

  it("keeps asking, ever more slowly, for video that is not there yet", async () => {
    fails = noVideo;
    await start();
    expect([name(), asked]).toEqual(["waiting", 1]);
    await pass(2_000);
    expect(asked).toBe(2);
    await pass(3_999);
    expect(asked).toBe(2);
    await pass(1);
    expect(asked).toBe(3);
    fails = undefined;
    await pass(8_000);
    await ready();
    expect(name()).toBe("ready");
  });

  it("gives up when no video will come, and asks again when told to", async () => {
    fails = noVideo;
    mayCome = false;
    await start();
    expect(name()).toBe("none");
    await pass(600_000);
    expect(asked).toBe(1);
    fails = undefined;
    video.renew();
    await pass(0);
    expect(asked).toBe(2);
  });

  it("takes an event that is gone for what it is, not for missing video", async () => {
    fails = new ApiError(404, { title: "No such event" });
    await start();
    expect(video.state.value).toEqual({ name: "failed", problem: { title: "No such event" }, again: false });
    await pass(600_000);
    expect(asked).toBe(1);
  });

  it("tries again by itself after an outage, at once when the network is back", async () => {
    fails = new UnreachableError(t.problem.unreachable);
    await start();
    expect(video.state.value).toMatchObject({ name: "failed", problem: t.problem.unreachable, again: true });
    fails = undefined;
    page.show(true);
    await pass(0);
    expect([name(), asked]).toEqual(["failed", 2]);
    await ready();
    expect(name()).toBe("ready");
  });

  it("asks nothing while nobody looks", async () => {
    fails = noVideo;
    await start();
    page.show(false);
    await pass(60_000);
    expect(asked).toBe(1);
    page.show(true);
    await pass(0);
    expect(asked).toBe(2);
  });

  it("renews an expired address at once, at the same picture, as fast as before", async () => {
    await start();
    await ready();
    video.setRate(2);
    element.at(42);
    await pass(300_000);
    await fault("refused");
    expect([name(), asked, stopped]).toEqual(["opening", 2, 1]);
    expect(openings[1]).toMatchObject({ url: "https://video.example/2", at: START + 42_000 });
    element.playbackRate = 1; // as elements do when they load anew
    element.paused = true;
    await ready();
    expect([element.playbackRate, element.paused]).toEqual([2, false]);
  });

  it("stays paused over a renewal", async () => {
    await start();
    await ready();
    element.pause();
    await pass(300_000);
    await fault("refused");
    await ready();
    expect(element.paused).toBe(true);
  });

  it("does not renew without end what is refused again and again", async () => {
    await start();
    await fault("refused");
    expect(video.state.value).toMatchObject({ name: "failed", problem: t.video.refused });
    await pass(1_999);
    expect(asked).toBe(1);
    await pass(1);
    await fault("refused");
    await pass(3_999);
    expect(asked).toBe(2);
  });

  it("says when the browser cannot decode it, and tries what is broken once more", async () => {
    await start();
    await fault("broken");
    expect([name(), asked]).toEqual(["opening", 2]);
    await fault("broken");
    expect(video.state.value).toMatchObject({ name: "failed", problem: t.video.broken, again: false });
    video.play(question());
    await pass(0);
    await fault("codec");
    expect(name()).toBe("unplayable");
  });

  it("seeks by the clock within what is open, and not outside", async () => {
    await start();
    expect(video.seek(START + 1_000)).toBe(false);
    await ready();
    expect(video.seek(START + 20_000)).toBe(true);
    expect([element.currentTime, video.date.value]).toEqual([20, START + 20_000]);
    expect(video.seek(START - 1_000)).toBe(false);
    expect(video.seek(START + 60_000)).toBe(false);
    element.ended = true;
    element.paused = true;
    expect(video.seek(START)).toBe(true);
    expect(element.paused).toBe(false);
  });

  it("tells of gaps it played over, and of none it was told to jump", async () => {
    pieces = [
      { start: 0, date: START, length: 10_000 },
      { start: 10, date: START + 40_000, length: 10_000 },
    ];
    await start();
    await ready();
    element.at(9.75);
    element.at(10.25);
    expect(told).toEqual(["skipped 10000 40000"]);
    element.dispatchEvent(new Event("seeking"));
    element.at(1);
    element.dispatchEvent(new Event("seeking"));
    element.at(15);
    expect(told).toHaveLength(1);
    element.dispatchEvent(new Event("ended"));
    expect(told[1]).toBe(`ended ${START + 50_000}`);
  });

  it("drops an answer that comes after it was closed", async () => {
    video.play(question());
    video.attach(element as unknown as HTMLVideoElement);
    video.close();
    await pass(0);
    expect([name(), openings.length]).toEqual(["closed", 0]);
  });

  it("closes when the session is over", async () => {
    fails = new SignedOutError(t.problem.signInEnded);
    await start();
    expect(name()).toBe("closed");
  });
});

describe("Download", () => {
  const file = { url: "https://video.example/clip.mp4", bytes: 5, expires_at: "", from: "", to: "" };
  let fetched: string[];
  let download: Download;
  beforeEach(() => {
    vi.useFakeTimers();
    fetched = [];
    download = new Download((url) => fetched.push(url));
  });
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it("fetches what has been prepared", async () => {
    const done = download.start(async () => file);
    expect(download.state.value).toEqual({ name: "preparing" });
    await done;
    expect(download.state.value).toEqual({ name: "done", file });
    expect(fetched).toEqual([file.url]);
  });

  it("waits for a busy server, and says when it stays so", async () => {
    let asked = 0;
    const done = download.start(async () => {
      asked++;
      throw new ApiError(503, { title: "Busy" });
    });
    await vi.advanceTimersByTimeAsync(3_000 + 6_000 + 12_000);
    await done;
    expect(asked).toBe(4);
    expect(download.state.value).toEqual({ name: "failed", problem: { title: "Busy" } });
  });

  it("fetches nothing after it was stopped", async () => {
    let answer: ((value: typeof file) => void) | undefined;
    const done = download.start(() => new Promise((resolve) => (answer = resolve)));
    download.stop();
    answer?.(file);
    await done;
    expect([download.state.value, fetched]).toEqual([{ name: "idle" }, []]);
    const waiting = download.start(async () => {
      throw new ApiError(503, { title: "Busy" });
    });
    await vi.advanceTimersByTimeAsync(1_000);
    download.stop();
    await waiting;
    expect(download.state.value).toEqual({ name: "idle" });
  });
});
