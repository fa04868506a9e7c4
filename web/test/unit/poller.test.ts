import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Poller } from "../../src/lib/poller";
import { FakePage } from "./helpers";

describe("Poller", () => {
  let page: FakePage;
  let runs: number;
  let task: (signal: AbortSignal) => Promise<void>;
  let poller: Poller;

  beforeEach(() => {
    vi.useFakeTimers();
    page = new FakePage();
    runs = 0;
    task = async () => undefined;
    poller = new Poller({
      task: (signal) => {
        runs++;
        return task(signal);
      },
      page,
      every: 2_000,
      most: 30_000,
      everyHidden: 60_000,
    });
  });
  afterEach(() => {
    poller.stop();
    expect(vi.getTimerCount()).toBe(0);
    expect(page.watchers).toBe(0);
    vi.useRealTimers();
  });

  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

  it("runs at once, then every two seconds", async () => {
    poller.start();
    expect(runs).toBe(1);
    expect(poller.state.value).toBe("connecting");
    await pass(0);
    expect(poller.state.value).toBe("live");
    await pass(6_000);
    expect(runs).toBe(4);
  });

  it("waits longer after each failure, up to a limit, and recovers at once", async () => {
    task = async () => {
      throw new Error("no");
    };
    const at: number[] = [];
    const begin = Date.now();
    const failing = task;
    task = (signal) => {
      at.push((Date.now() - begin) / 1000);
      return failing(signal);
    };
    poller.start();
    await pass(120_000);
    expect(at).toEqual([0, 4, 12, 28, 58, 88, 118]);
    expect(poller.state.value).toBe("retrying");
    task = async () => undefined;
    await pass(30_000);
    expect(poller.state.value).toBe("live");
    const before = runs;
    await pass(4_000);
    expect(runs).toBe(before + 2);
  });

  it("rests while hidden and resumes at once when shown", async () => {
    poller.start();
    await pass(0);
    page.show(false);
    await pass(59_000);
    expect(runs).toBe(1);
    await pass(1_000);
    expect(runs).toBe(2);
    page.show(true);
    expect(runs).toBe(3);
  });

  it("never runs twice at a time", async () => {
    let finish: () => void = () => undefined;
    task = () => new Promise((resolve) => (finish = resolve));
    poller.start();
    poller.now();
    await pass(60_000);
    expect(runs).toBe(1);
    finish();
    await pass(2_000);
    expect(runs).toBe(2);
  });

  it("does not wait for an answer from before the device slept", async () => {
    const signals: AbortSignal[] = [];
    task = (signal) => {
      signals.push(signal);
      return new Promise(() => undefined);
    };
    poller.start();
    page.show(false);
    page.show(true);
    expect(signals.map((signal) => signal.aborted)).toEqual([true, false]);
  });

  it("gives up the run in flight when it starts over", async () => {
    const signals: AbortSignal[] = [];
    task = (signal) => {
      signals.push(signal);
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
    };
    poller.start();
    poller.restart();
    await pass(0);
    expect(signals.map((signal) => signal.aborted)).toEqual([true, false]);
    expect(poller.state.value).toBe("connecting");
  });

  it("does nothing any more once stopped", async () => {
    poller.start();
    await pass(0);
    poller.stop();
    poller.now();
    page.show(true);
    await pass(60_000);
    expect(runs).toBe(1);
  });
});
