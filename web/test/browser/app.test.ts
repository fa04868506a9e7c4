import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { chromiumPath, serve, type Site } from "./harness";
import { launch, violations as violationsOf, visit } from "./visit";

if (!chromiumPath) console.warn("browser tests skipped: install chromium or set CHROMIUM to its path");

describe.skipIf(!chromiumPath)("the built app in a browser", () => {
  let browser: Browser;
  let site: Site;
  let page: Page;
  /** What must stay empty: console errors, uncaught ones, requests elsewhere. */
  let wrong: string[];

  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  beforeEach(async () => {
    site = await serve();
    site.mock.populate(45);
    wrong = [];
  });
  afterEach(async () => {
    await page.context().close();
    await site.close();
    expect(wrong).toEqual([]);
  });

  async function open(options: BrowserContextOptions = {}, hash = ""): Promise<void> {
    page = await visit(browser, site, wrong, options, hash);
  }

  const byId = (testid: string) => page.getByTestId(testid);
  const cards = () => byId("event-card");

  async function signIn(options: BrowserContextOptions = {}, hash = ""): Promise<void> {
    await open(options, hash);
    await byId("sign-in").click();
    await byId("camera-card").first().waitFor();
    await byId("live-status").getByText("Live").waitFor();
  }

  const violations = () => violationsOf(page);

  it("signs in, shows cameras and events, and a new event as it happens", async () => {
    await signIn();
    expect(page.url()).toBe(`${site.origin}/`);
    expect(await byId("camera-card").count()).toBe(3);
    expect(await byId("weak-detector").innerText()).toContain("porchlight models pull yolox-nano");
    const event = site.mock.happen();
    const card = page.locator(`[data-event-id="${event.event_id}"]`);
    await card.waitFor();
    expect(await cards().first().getAttribute("data-event-id")).toBe(event.event_id);
    expect(await card.innerText()).toContain("Happening now");
    expect(await byId("announcer").innerText()).toMatch(/^New alert: Person/);
    site.mock.end(event.event_id);
    await page.locator(`[data-event-id="${event.event_id}"][data-state="ended"]`).waitFor();
  });

  it.each([
    [360, "light"],
    [360, "dark"],
    [1280, "light"],
    [1280, "dark"],
  ] as const)("has no accessibility violation at %i px, %s", async (width, colorScheme) => {
    await open({ viewport: { width, height: 800 }, colorScheme });
    await byId("sign-in").waitFor();
    expect(await violations()).toEqual([]);
    await byId("sign-in").click();
    await cards().first().locator(".frame img").waitFor();
    expect(await violations()).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
    await cards().nth(1).getByRole("link").click();
    await byId("event-dialog").getByTestId("event-box").waitFor();
    expect(await violations()).toEqual([]);
    await page.keyboard.press("Escape");
    site.mock.broken = { status: 500, title: "The store is out of reach", detail: "Try again in a minute." };
    await byId("notice").getByText("The store is out of reach").waitFor();
    expect(await violations()).toEqual([]);
  });

  it("says what is empty and what is wrong, and recovers", async () => {
    site.mock.events = [];
    site.mock.cameras = [];
    site.mock.broken = { status: 500, title: "The store is out of reach", detail: "Try again in a minute." };
    await open();
    await byId("sign-in").click();
    await byId("notice").getByText("Try again in a minute.").waitFor();
    site.mock.broken = undefined;
    await byId("notice").getByRole("button").click();
    await byId("no-events").waitFor();
    await byId("no-cameras").waitFor();
    expect(await violations()).toEqual([]);
  });

  it("draws the box on the picture, whatever the picture's shape", async () => {
    await signIn();
    for (const index of [0, 1]) {
      const card = cards().nth(index);
      const id = await card.getAttribute("data-event-id");
      const { box } = site.mock.events.find((event) => event.event_id === id) ?? { box: [0, 0, 0, 0] };
      const outline = card.getByTestId("event-box");
      await outline.waitFor({ state: "attached" });
      const [img, drawn] = [await card.locator(".frame img").boundingBox(), await outline.boundingBox()];
      const field = await card.locator(".picture").boundingBox();
      if (!img || !drawn || !field) throw new Error("nothing drawn");
      const { width, height } = await card
        .locator(".frame img")
        .evaluate((image: HTMLImageElement) => ({ width: image.naturalWidth, height: image.naturalHeight }));
      expect(img.width / img.height).toBeCloseTo(width / height, 1);
      expect(img.height).toBeLessThanOrEqual(field.height + 1); // the whole frame is in view
      const edges = [
        (drawn.x - img.x) / img.width,
        (drawn.y - img.y) / img.height,
        (drawn.x + drawn.width - img.x) / img.width,
        (drawn.y + drawn.height - img.y) / img.height,
      ];
      edges.forEach((edge, i) => expect(Math.abs(edge - (box[i] ?? NaN))).toBeLessThan(0.01));
    }
  });

  it("asks for an event again when its picture's address has expired", async () => {
    site.mock.expirePictures = true;
    await signIn();
    await cards().first().getByTestId("event-box").waitFor({ state: "attached" });
    expect(site.mock.seen.some((request) => request.startsWith("GET /v1/events/"))).toBe(true);
  });

  it("opens an event with the keyboard, walks through its neighbors and comes back", async () => {
    await signIn();
    await cards().nth(2).getByRole("link").focus();
    await page.keyboard.press("Enter");
    const dialog = byId("event-dialog");
    await dialog.waitFor();
    const second = site.mock.events[2]?.event_id ?? "";
    expect(page.url()).toContain(second);
    await page.keyboard.press("ArrowRight");
    await dialog.getByText(site.mock.events[3]?.event_id ?? "").waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await expect.poll(() => page.url()).not.toContain("events/");
    const focused = page.locator(":focus");
    expect(await focused.getAttribute("href")).toContain(second);
  });

  it("leads to the event of a link through the sign-in, also to an old one", async () => {
    const old = site.mock.events.at(-1)?.event_id ?? "";
    await open({}, `#/events/${old}`);
    await byId("sign-in").click();
    await byId("event-dialog").getByText(old).waitFor();
    await page.keyboard.press("Escape");
    await cards().first().waitFor();
    await page.goto(`${site.origin}/#/events/01ARZ3NDEKTSV4RRFFQ69G5FAV`);
    await byId("event-dialog").getByText("not here any more").waitFor();
  });

  it("filters by camera and loads older events at the end", async () => {
    await signIn();
    await byId("filter-camera").selectOption("home.garden");
    await expect.poll(() => cards().filter({ hasText: "Front door" }).count()).toBe(0);
    await cards().first().waitFor();
    expect(await cards().filter({ hasText: "Garden" }).count()).toBe(22);
    await page.goBack();
    await cards().filter({ hasText: "Front door" }).first().waitFor();
    expect(await cards().count()).toBeLessThan(45);
    await byId("event-card").last().scrollIntoViewIfNeeded();
    await expect.poll(() => cards().count()).toBe(45);
  });

  it("marks alerts, shows only them on request, and tells zones and things of an event", async () => {
    await signIn();
    const detections = site.mock.events.filter((event) => event.severity === "detection");
    expect(await cards().filter({ hasText: "Alert" }).count()).toBeLessThan(await cards().count());
    expect(await page.locator(`[data-event-id="${detections[0]?.event_id}"]`).getByTestId("alert-mark").count()).toBe(0);
    await byId("filter-severity").selectOption("alert");
    await expect.poll(() => page.url()).toContain("severity=alert");
    await cards().first().waitFor();
    expect(await byId("alert-mark").count()).toBe(await cards().count());
    expect(await cards().count()).toBe(30);
    const thing = site.mock.events.find((event) => event.appeared)?.event_id ?? "";
    await page.locator(`[data-event-id="${thing}"]`).getByRole("link").click();
    const facts = byId("event-dialog").locator(".fact");
    await facts.filter({ hasText: "Kind" }).getByText("Alert", { exact: true }).waitFor();
    await facts.filter({ hasText: "Zones" }).getByText("porch").waitFor();
    await facts.filter({ hasText: "Left behind in" }).getByText("porch").waitFor();
    expect(await facts.filter({ hasText: "Taken away from" }).count()).toBe(0);
  });

  it("says that a camera is private, and nothing worse", async () => {
    const camera = site.mock.cameras[0];
    if (camera) camera.state = "private";
    await signIn();
    const card = byId("camera-card").filter({ hasText: "Front door" });
    expect(await card.getByTestId("camera-status").innerText()).toBe("Private");
    expect(await card.innerText()).toContain("Privacy mode is on");
    expect(await violations()).toEqual([]);
  });

  it("stays signed in over a reload and a refused token, and says when it is over", async () => {
    await signIn();
    await page.reload();
    await cards().first().waitFor();
    site.mock.revokeAccess();
    const fresh = site.mock.happen();
    await page.locator(`[data-event-id="${fresh.event_id}"]`).waitFor();
    expect(await byId("sign-in").count()).toBe(0);
    site.mock.revokeAll();
    await byId("sign-in").waitFor();
    expect(await byId("notice").innerText()).toContain("Your sign-in has ended");
    await byId("sign-in").click();
    await cards().first().waitFor();
  });

  it("signs out here and at the provider, and keeps nothing", async () => {
    await signIn();
    await byId("sign-out").click();
    await byId("sign-in").waitFor();
    await page.reload();
    await byId("sign-in").waitFor();
    expect(await page.evaluate(() => sessionStorage.length + localStorage.length)).toBe(0);
  });
});
