import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError, type Api } from "../../src/api/client";
import type { CameraEvent, EventQuery } from "../../src/api/types";
import { Feed } from "../../src/events/feed";
import { UnreachableError } from "../../src/lib/http";
import { t } from "../../src/messages";
import { countNews } from "../../src/title";
import { event, FakePage, idOf, idsOf } from "./helpers";

describe("Feed", () => {
  let all: CameraEvent[];
  let queries: EventQuery[];
  let gets: string[];
  let fails: Error | undefined;
  let page: FakePage;
  let feed: Feed;

  beforeEach(() => {
    vi.useFakeTimers({ now: Date.UTC(2026, 0, 5, 13) });
    all = [];
    queries = [];
    gets = [];
    fails = undefined;
    page = new FakePage();
    const api: Partial<Api> = {
      // As the API does: newest first, filtered, with a cursor unless it is the last page.
      async listEvents(query) {
        queries.push(query);
        if (fails) throw fails;
        const limit = query.limit ?? 50;
        const found = all
          .filter((e) => (!query.cursor || e.event_id < query.cursor) && (!query.camera || e.camera === query.camera))
          .sort((a, b) => (a.event_id < b.event_id ? 1 : -1));
        const events = found.slice(0, limit);
        const last = events.at(-1)?.event_id;
        return { events, ...(found.length > limit && last ? { next_cursor: last } : {}) };
      },
      async getEvent(id) {
        gets.push(id);
        const found = all.find((e) => e.event_id === id);
        if (!found) throw new ApiError(404, { title: "No such event" });
        return found;
      },
    };
    feed = new Feed(api as Api, page, Date.now);
  });
  afterEach(() => {
    feed.stop();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
  const numbers = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, i) => from - i);
  const put = (...ns: number[]) => all.push(...ns.map((n) => event(n, { state: "ended" })));
  const start = async () => {
    feed.poller.start();
    await pass(0);
  };

  it("loads the newest page, then shows what arrives, and says which is new", async () => {
    put(...numbers(40, 1));
    await start();
    expect(idsOf(feed.events.value)).toEqual(numbers(40, 11).map(idOf));
    expect(feed.arrived.value).toEqual([]);
    put(41);
    await pass(2_000);
    expect(idsOf(feed.events.value)).toEqual(numbers(41, 11).map(idOf));
    expect(idsOf(feed.arrived.value)).toEqual([idOf(41)]);
  });

  it("goes on backwards to the end and keeps its place while new ones arrive", async () => {
    put(...numbers(70, 1));
    await start();
    expect(feed.hasOlder.value).toBe(true);
    await feed.loadOlder();
    put(71, 72);
    await pass(2_000);
    await feed.loadOlder();
    expect(feed.hasOlder.value).toBe(false);
    expect(idsOf(feed.events.value)).toEqual(numbers(72, 1).map(idOf));
    await feed.loadOlder();
    expect(queries.filter((query) => query.cursor)).toHaveLength(2);
  });

  it("leaves no gap after a long sleep", async () => {
    put(...numbers(40, 1));
    await start();
    put(...numbers(100, 41));
    await pass(2_000);
    expect(idsOf(feed.events.value)).toEqual(numbers(100, 71).map(idOf));
    await feed.loadOlder();
    expect(idsOf(feed.events.value)).toEqual(numbers(100, 41).map(idOf));
  });

  it("drops the page that was on its way when the list began anew", async () => {
    put(...numbers(40, 1));
    await start();
    const older = feed.loadOlder();
    feed.setFilter({ camera: "home.door", label: "", severity: "" });
    await older;
    await pass(0);
    expect(idsOf(feed.events.value)).toEqual(numbers(40, 11).map(idOf));
    expect(feed.loadingOlder.value).toBe(false);
  });

  it("asks with the filter and forgets what it showed before", async () => {
    put(1, 2);
    all.push(event(3, { camera: "home.garden", state: "ended" }));
    await start();
    feed.setFilter({ camera: "home.garden", label: "", severity: "" });
    expect(feed.events.value).toEqual([]);
    expect(feed.loaded.value).toBe(false);
    await pass(0);
    expect(idsOf(feed.events.value)).toEqual([idOf(3)]);
    expect(queries.at(-1)).toMatchObject({ camera: "home.garden", label: "" });
    expect(feed.arrived.value).toEqual([]);
  });

  it("asks for alerts only when told to", async () => {
    await start();
    expect(queries.at(-1)).not.toHaveProperty("severity");
    feed.setFilter({ camera: "", label: "", severity: "alert" });
    await pass(0);
    expect(queries.at(-1)).toMatchObject({ severity: "alert" });
  });

  it("keeps what it has through an outage and says what is wrong", async () => {
    put(1);
    await start();
    fails = new UnreachableError(t.problem.unreachable);
    await pass(2_000);
    expect(feed.problem.value).toEqual(t.problem.unreachable);
    expect(idsOf(feed.events.value)).toEqual([idOf(1)]);
    fails = undefined;
    put(2);
    await pass(4_000);
    expect(feed.problem.value).toBeUndefined();
    expect(idsOf(feed.events.value)).toEqual([2, 1].map(idOf));
  });

  it("says when older events would not load and tries again when asked", async () => {
    put(...numbers(40, 1));
    await start();
    fails = new UnreachableError(t.problem.unreachable);
    await feed.loadOlder();
    expect(feed.olderProblem.value).toEqual(t.problem.unreachable);
    fails = undefined;
    await feed.loadOlder();
    expect(feed.olderProblem.value).toBeUndefined();
    expect(feed.events.value).toHaveLength(40);
  });

  it("sees an event end that newer ones have pushed off the page", async () => {
    all.push(event(1));
    put(...numbers(30, 2)); // one whole page
    await start();
    expect(gets).toEqual([]);
    put(31);
    all[0] = event(1, { sequence: 2, state: "ended" });
    await pass(2_000);
    expect(gets).toEqual([idOf(1)]);
    expect(feed.find(idOf(1))?.state).toBe("ended");
    await pass(2_000);
    expect(gets).toHaveLength(1);
  });

  it("takes a fresh address of a picture although the sequence is the same", async () => {
    all.push(event(1, { thumbnail_url: "/old", state: "ended" }));
    await start();
    all = [event(1, { thumbnail_url: "/new", state: "ended" })];
    await pass(2_000);
    expect(feed.find(idOf(1))?.thumbnail_url).toBe("/old");
    await feed.renew(idOf(1));
    expect(feed.find(idOf(1))?.thumbnail_url).toBe("/new");
  });

  it("offers every label seen so far", async () => {
    all.push(event(1, { labels: { person: 0.9, dog: 0.8 } }), event(2, { labels: { car: 0.7 } }));
    await start();
    expect(feed.labels.value).toEqual(["car", "dog", "person"]);
  });

  it("counts in the title what arrives while nobody looks", async () => {
    const shown: number[] = [];
    countNews(feed.arrived, page, (news) => shown.push(news));
    await start();
    put(1);
    await pass(2_000);
    page.show(false);
    put(2, 3);
    await pass(60_000);
    put(4);
    await pass(60_000);
    page.show(true);
    expect(shown).toEqual([2, 3, 0]);
  });
});
