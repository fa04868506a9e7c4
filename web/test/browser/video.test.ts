import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { CameraEvent } from "../../src/api/types";
import { chromiumPath, serve, type Site } from "./harness";
import { launch, violations, visit } from "./visit";

const hasFFmpeg = (() => {
  try {
    execFileSync("ffmpeg", ["-version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

if (chromiumPath && !hasFFmpeg) console.warn("video tests skipped: install ffmpeg, which makes their footage");

const CAMERA = "home.front-door";

const HOUR = 3_600_000;

/** A zone in which it is early evening, so that the last hours are today's at any time. */
const evening = (() => {
  const ahead = ((18 - new Date().getUTCHours() + 36) % 24) - 12;
  return `Etc/GMT${ahead > 0 ? "-" : "+"}${Math.abs(ahead)}`;
})();

describe.skipIf(!chromiumPath || !hasFFmpeg)("video in a browser", () => {
  let browser: Browser;
  let site: Site;
  let page: Page;
  let wrong: string[];
  let event: CameraEvent;

  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  beforeEach(async () => {
    site = await serve();
    site.mock.populate(12);
    event = site.mock.events[2] as CameraEvent;
    wrong = [];
  });
  afterEach(async () => {
    await page.context().close();
    await site.close();
    expect(wrong).toEqual([]);
  });

  const byId = (testid: string) => page.getByTestId(testid);
  const player = () => byId("player");
  const videos = () => byId("video");
  const inState = (state: string) => page.locator(`[data-testid=player][data-state=${state}]`).waitFor();
  const time = async () => Date.parse((await player().getAttribute("data-time")) ?? "");
  const position = () => videos().evaluate((video: HTMLVideoElement) => video.currentTime);
  const hlsLoaded = () =>
    page.evaluate(() => performance.getEntriesByType("resource").some((entry) => /\/assets\/hls-/.test(entry.name)));

  async function open(hash: string, options: BrowserContextOptions = {}): Promise<void> {
    page = await visit(browser, site, wrong, { timezoneId: evening, ...options }, hash);
    await byId("sign-in").click();
  }

  const openEvent = async (options: BrowserContextOptions = {}) => {
    await open(`#/events/${event.event_id}`, options);
    await byId("play-video").waitFor();
  };

  const openDay = async (options: BrowserContextOptions = {}) => {
    await open(`#/cameras/${CAMERA}`, options);
    await byId("camera-day-page").waitFor();
  };

  /** Presses on the timeline at a time. */
  async function tap(at: number): Promise<void> {
    const line = byId("timeline");
    const [from, to] = await Promise.all(["data-from", "data-to"].map(async (name) => Date.parse((await line.getAttribute(name)) ?? "")));
    const box = await line.boundingBox();
    if (!box || from === undefined || to === undefined) throw new Error("no timeline");
    await line.click({ position: { x: ((at - from) / (to - from)) * box.width, y: box.height / 2 } });
  }

  async function shoot(name: string): Promise<void> {
    const folder = process.env.PORCHLIGHT_SCREENSHOTS;
    if (!folder) return;
    mkdirSync(folder, { recursive: true });
    await page.screenshot({ path: join(folder, `${name}.png`) });
  }

  const picture = (video: Locator) =>
    video.evaluate((element: HTMLVideoElement) => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [element.videoWidth, element.videoHeight];
      canvas.getContext("2d")?.drawImage(element, 0, 0);
      return canvas.width * canvas.height;
    });

  it("plays an event from before its start, by the clock, and loads hls.js only then", async () => {
    await openEvent();
    expect(await hlsLoaded()).toBe(false);
    await byId("play-video").click();
    await inState("ready");
    expect(await hlsLoaded()).toBe(true);
    const started = Date.parse(event.started_at);
    await expect.poll(position).toBeGreaterThan(1);
    await videos().evaluate((video: HTMLVideoElement) => video.pause());
    expect(await picture(videos())).toBe(640 * 360);
    // The fragment that holds the pre-roll's start is played from its own beginning.
    await expect.poll(async () => Math.abs((await time()) - (await position()) * 1000 - (started - 5_000))).toBeLessThan(2_100);
    expect(await videos().evaluate((video) => document.activeElement === video)).toBe(true);
    await byId("player-speed").selectOption("2");
    expect(await videos().evaluate((video: HTMLVideoElement) => video.playbackRate)).toBe(2);
    await byId("to-start").click();
    await expect.poll(async () => Math.abs((await time()) - (started - 1_000))).toBeLessThan(100);
    // The arrows seek in the video and do not turn to another event.
    await videos().focus();
    await page.keyboard.press("ArrowRight");
    expect(page.url()).toContain(event.event_id);
    await byId("close-video").click();
    await byId("play-video").waitFor();
    await expect.poll(() => page.locator("video").count()).toBe(0);
    await expect.poll(() => byId("play-video").evaluate((button) => document.activeElement === button)).toBe(true);
  });

  it("plays with the browser's own HLS where there is nothing else, and loads nothing for it", async () => {
    page = await visit(browser, site, wrong, {}, `#/events/${event.event_id}`);
    if ((await page.evaluate(() => document.createElement("video").canPlayType("application/vnd.apple.mpegurl"))) === "") return;
    await page.addInitScript(() => {
      for (const name of ["MediaSource", "ManagedMediaSource"]) delete (window as unknown as Record<string, unknown>)[name];
    });
    await page.reload();
    await byId("sign-in").click();
    await byId("play-video").click();
    await inState("ready");
    await expect.poll(position).toBeGreaterThan(1);
    expect(Math.abs((await time()) - Date.parse(event.started_at))).toBeLessThan(8_000);
    expect(await hlsLoaded()).toBe(false);
  });

  it("says second opinions", async () => {
    event = site.mock.events.find((other) => other.cloud_labels) as CameraEvent;
    await openEvent();
    expect(await byId("cloud-labels").innerText()).toContain("Jacket");
  });

  it.each([
    [360, "light"],
    [360, "dark"],
    [1280, "light"],
    [1280, "dark"],
  ] as const)("has no accessibility violation at %i px, %s", async (width, colorScheme) => {
    await openEvent({ viewport: { width, height: 800 }, colorScheme });
    expect(await violations(page)).toEqual([]);
    await shoot(`event-${width}-${colorScheme}`);
    await byId("play-video").click();
    await inState("ready");
    await byId("save-mp4").click();
    await byId("save-link").waitFor();
    expect(await violations(page)).toEqual([]);
    await shoot(`video-${width}-${colorScheme}`);
    await byId("whole-day").click();
    await byId("play-day").waitFor();
    expect(await violations(page)).toEqual([]);
    await byId("play-day").click();
    await inState("ready");
    await byId("save-part").click();
    await byId("part-from").waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
    await shoot(`day-${width}-${colorScheme}`);
  });

  it("waits for video that is not there yet, and starts by itself", async () => {
    site.mock.video.missing.add(event.event_id);
    Object.assign(event, { state: "updated" });
    delete event.ended_at;
    event.updated_at = new Date().toISOString();
    await openEvent({ viewport: { width: 360, height: 800 } });
    await byId("play-video").click();
    await byId("notice").getByText("not there yet").waitFor();
    expect(await violations(page)).toEqual([]);
    await shoot("waiting");
    site.mock.video.missing.clear();
    await inState("ready");
  });

  it("says when there is no video, and when it is no longer kept", async () => {
    event = site.mock.events.at(-1) as CameraEvent;
    site.mock.video.missing.add(event.event_id);
    await openEvent();
    await byId("play-video").click();
    await byId("notice").getByText("There is no video of this event").waitFor();
    expect(await violations(page)).toEqual([]);
    event.clip = { stream: event.camera, from: event.started_at, to: event.updated_at };
    await page.reload();
    await byId("play-video").click();
    await byId("notice").getByText("no longer kept").waitFor();
    await shoot("gone");
  });

  it("says when the browser cannot decode it, and still saves it", async () => {
    site.mock.video.codecs = "hvc1.1.6.L93.B0";
    await openEvent({ viewport: { width: 360, height: 800 } });
    await byId("play-video").click();
    await byId("notice").getByText("cannot play this video").waitFor();
    await shoot("unplayable");
    const [download] = await Promise.all([page.waitForEvent("download"), byId("save-mp4").click()]);
    expect(download.suggestedFilename()).toBe(`${event.camera}.mp4`);
  });

  it("saves a file, saying that it is being prepared", async () => {
    let prepared = () => {};
    site.mock.video.preparing = new Promise((resolve) => (prepared = resolve));
    await openEvent();
    await byId("play-video").click();
    const coming = page.waitForEvent("download");
    await byId("save-mp4").click();
    await byId("save").getByText("being prepared").waitFor();
    prepared();
    const download = await coming;
    expect(download.url()).toContain("/clip.mp4");
    expect(await download.failure()).toBeNull();
    expect(page.url()).toContain(event.event_id);
  });

  it("renews an expired address at the same picture", async () => {
    const at = Date.now() - HOUR;
    site.mock.video.erase(CAMERA);
    site.mock.video.record(CAMERA, at, at + 50 * 60_000);
    await open(`#/cameras/${CAMERA}?t=${new Date(at + 10 * 60_000).toISOString()}`);
    await byId("play-day").click();
    await inState("ready");
    await expect.poll(time).toBeGreaterThan(at + 10 * 60_000 + 500);
    await page.waitForTimeout(10_500); // an address that serves no longer is not renewed at once
    site.mock.video.expire();
    const opened = site.mock.video.opened;
    await expect.poll(() => site.mock.video.opened, { timeout: 90_000 }).toBe(opened + 1);
    await inState("ready");
    const now = await time();
    expect(now).toBeGreaterThan(at + 10 * 60_000 + 5_000);
    await expect.poll(time).toBeGreaterThan(now + 500);
    expect(await time()).toBeLessThan(at + 12 * 60_000);
  });

  it("goes on by itself after an outage", async () => {
    await openEvent();
    site.mock.broken = { status: 503, title: "Busy", detail: "Try again in a moment." };
    await byId("play-video").click();
    await player().getByText("Busy").waitFor();
    site.mock.broken = undefined;
    await inState("ready");
    expect(await player().getByTestId("notice").count()).toBe(0);
  });

  it("follows an event that goes on, and lets go of everything when left", async () => {
    event = site.mock.events[0] as CameraEvent;
    await openEvent();
    await byId("play-video").click();
    await inState("ready");
    await byId("to-now").waitFor();
    const duration = () => videos().evaluate((video: HTMLVideoElement) => video.seekable.end(0));
    const before = await duration();
    await expect.poll(duration).toBeGreaterThan(before);
    // It shows ten seconds at a time, from before the event on; now is later.
    const asked = site.mock.seen.length;
    Object.assign(event, { sequence: event.sequence + 1, started_at: new Date(Date.now() - 60_000).toISOString() });
    await byId("close-video").click();
    site.mock.video.record(event.camera, Date.now() - 70_000, Infinity);
    await byId("play-video").click();
    await byId("to-now").click();
    await expect.poll(() => site.mock.seen.slice(asked).some((url) => /cameras.*playback\?protocol=hls$/.test(url))).toBe(true);
    await inState("ready");
    await expect.poll(async () => Date.now() - (await time())).toBeLessThan(30_000);
    await byId("to-start").click();
    await expect.poll(async () => Math.abs((await time()) - Date.parse(event.started_at))).toBeLessThan(20_000);
    const requests: string[] = [];
    page.on("request", (request) => request.url().startsWith(site.video) && requests.push(request.url()));
    await byId("event-dialog").getByRole("button", { name: "Close" }).click();
    await byId("event-dialog").waitFor({ state: "detached" });
    await page.waitForTimeout(1_000); // what was under way may still be told of
    requests.length = 0;
    await page.waitForTimeout(3_000);
    expect(requests).toEqual([]);
  });

  it("takes what it followed for finished a while after the event has ended", async () => {
    event = site.mock.events[0] as CameraEvent;
    await openEvent();
    await byId("play-video").click();
    await byId("to-now").waitFor();
    site.mock.end(event.event_id);
    const { opened } = site.mock.video;
    await expect.poll(() => site.mock.video.opened, { timeout: 90_000 }).toBe(opened + 1);
    await inState("ready");
    await byId("to-now").waitFor({ state: "detached" });
  });

  it("plays over gaps of a day and says so, and on into the next hour", async () => {
    const at = Date.now() - 2 * HOUR;
    site.mock.video.erase(CAMERA);
    site.mock.video.ranges = 2; // told in several answers
    const first = { from: at, to: at + 4_000 };
    const second = { from: at + 60_000, to: at + 64_000 };
    const third = { from: at + 1.6 * HOUR, to: at + 1.6 * HOUR + 20_000 };
    for (const { from, to } of [first, second, third]) site.mock.video.record(CAMERA, from, to);
    await open(`#/cameras/${CAMERA}?t=${new Date(at).toISOString()}`);
    await expect.poll(() => byId("timeline-video").getAttribute("data-ranges")).toBe("3");
    await byId("play-day").click();
    await inState("ready");
    await byId("player-note").getByText("skipped").waitFor();
    await expect.poll(time, { timeout: 90_000 }).toBeGreaterThanOrEqual(second.from);
    await expect.poll(time, { timeout: 90_000 }).toBeGreaterThanOrEqual(third.from);
    await inState("ready");
    await shoot("gap");
  });

  it("goes where a finger points, and by keys", async () => {
    const at = Date.now() - HOUR / 2;
    site.mock.video.erase(CAMERA);
    site.mock.video.record(CAMERA, at, at + 20 * 60_000);
    await open(`#/cameras/${CAMERA}?t=${new Date(at + 60_000).toISOString()}`, { viewport: { width: 360, height: 800 } });
    await byId("play-day").waitFor();
    await byId("timeline-zoom").selectOption("hour");
    await tap(at + 5 * 60_000);
    await inState("ready");
    await expect.poll(async () => Math.abs((await time()) - (at + 5 * 60_000))).toBeLessThan(20_000);
    await videos().evaluate((video: HTMLVideoElement) => video.pause());
    const line = byId("timeline");
    await line.focus();
    const before = await time();
    for (const key of ["ArrowUp", "ArrowRight", "ArrowRight"]) await page.keyboard.press(key);
    await expect.poll(async () => Math.abs((await time()) - before - 80_000)).toBeLessThan(1_500);
    expect(await line.getAttribute("aria-valuetext")).toMatch(/^\d\d:\d\d:\d\d, video/);
    // Into a gap: to the nearest video, and it says so.
    await page.keyboard.press("End");
    await expect.poll(time).toBeGreaterThan(at + 19 * 60_000);
  });

  it("jumps between events, opens them over the day, and comes back", async () => {
    await openDay();
    await byId("day-event").first().waitFor();
    const earlier = site.mock.events.filter((e) => e.camera === CAMERA)[1] as CameraEvent;
    await byId("previous-event").click();
    await inState("ready");
    await expect.poll(async () => Math.abs((await time()) - Date.parse(earlier.started_at) + 3_000)).toBeLessThan(60_000);
    await page.locator(`[data-testid=day-event][data-event-id="${earlier.event_id}"]`).getByRole("link").click();
    await byId("event-dialog").getByText(earlier.event_id).waitFor();
    expect(await videos().evaluate((video: HTMLVideoElement) => video.paused)).toBe(true);
    await page.keyboard.press("Escape");
    await byId("event-dialog").waitFor({ state: "detached" });
    await byId("camera-day-page").waitFor();
    await expect.poll(() => page.url()).toContain(CAMERA);
  });

  it("turns to other days, and says when one is empty", async () => {
    await openDay();
    expect(await byId("day-after").getAttribute("aria-disabled")).toBe("true");
    await byId("day-before").click();
    await byId("no-video").waitFor();
    expect(await byId("day-after").getAttribute("aria-disabled")).toBe("false");
    expect(await violations(page)).toEqual([]);
    await byId("day-input").fill("2026-01-05");
    await expect.poll(() => page.url()).toContain("t=2026-01-05");
    await byId("day-back").click();
    await byId("event-card").first().waitFor();
  });

  it("saves a part, and says what is wrong with it", async () => {
    await openDay();
    await byId("save-part").click();
    const from = await byId("part-from").inputValue();
    await byId("part-to").fill(from);
    await byId("save-mp4").click();
    await byId("part-wrong").getByText("later than the start").waitFor();
    const at = Date.parse(site.mock.events[0]?.started_at ?? "");
    const text = (ms: number) => page.evaluate((time) => new Date(time).toTimeString().slice(0, 8), at + ms);
    await byId("part-from").fill(await text(-2_000));
    await byId("part-to").fill(await text(1_000));
    const [download] = await Promise.all([page.waitForEvent("download"), byId("save-mp4").click()]);
    expect(download.suggestedFilename()).toBe(`${CAMERA}.mp4`);
    const asked = site.mock.seen.find((request) => request.includes("/clip?")) ?? "";
    const query = new URL(asked.slice(4), site.origin).searchParams;
    expect(Date.parse(query.get("to") ?? "") - Date.parse(query.get("from") ?? "")).toBe(3_000);
  });
});
