import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
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

const CAMERA = "home.front-door";

/** What the page /gateway offers to tests. */
interface Gateway {
  refuse: string | undefined;
  commands: boolean;
  asked: { type: string; quality?: string }[];
  peers: Map<string, RTCPeerConnection>;
  freeze(say: boolean): void;
  thaw(): Promise<void>;
  die(): void;
  say(peer: RTCPeerConnection, message: object): void;
}

declare const gateway: Gateway;

describe.skipIf(!chromiumPath)("live view in a browser", () => {
  let browser: Browser;
  let site: Site;
  let page: Page;
  let master: Page | undefined;
  let wrong: string[];

  beforeAll(async () => {
    // Peers on this machine find each other without a network, and without names of their own.
    browser = await launch("--allow-loopback-in-peer-connection", "--disable-features=WebRtcHideLocalIpsWithMdns");
  });
  afterAll(() => browser?.close());

  beforeEach(async () => {
    site = await serve();
    site.mock.populate(12);
    wrong = [];
    master = undefined;
  });
  afterEach(async () => {
    await page.context().close();
    await master?.context().close();
    expect(site.mock.signaling.wrong).toEqual([]);
    await site.close();
    expect(wrong).toEqual([]);
  });

  const byId = (testid: string) => page.getByTestId(testid);
  const inState = (state: string) => page.locator(`[data-testid=live-player][data-state=${state}]`).waitFor();
  const ended = (kind: string) => page.locator(`[data-testid=live-player][data-ending=${kind}]`).waitFor();
  const frames = (testid = "live-video") =>
    byId(testid).evaluate((video: HTMLVideoElement) => video.getVideoPlaybackQuality().totalVideoFrames);
  /** More pictures than there are now. */
  async function moves(testid = "live-video"): Promise<void> {
    const before = await frames(testid);
    await expect.poll(() => frames(testid)).toBeGreaterThan(before + 5);
  }

  async function startGateway(): Promise<Page> {
    master = await (await browser.newContext()).newPage();
    await master.goto(`${site.video}/gateway?camera=${CAMERA}`);
    await expect.poll(() => site.mock.signaling.served(CAMERA)).toBe(true);
    return master;
  }

  async function open(options: BrowserContextOptions = {}, hash = `#/cameras/${CAMERA}/live`): Promise<void> {
    page = await visit(browser, site, wrong, options, hash);
    await byId("sign-in").click();
  }

  const fromCard = () => byId("camera-card").filter({ hasText: "Front door" }).getByTestId("open-live");

  async function shoot(name: string): Promise<void> {
    const folder = process.env.PORCHLIGHT_SCREENSHOTS;
    if (!folder) return;
    mkdirSync(folder, { recursive: true });
    await page.screenshot({ path: join(folder, `${name}.png`) });
  }

  it("shows a camera live from its card, with its join time by phase, and lets go when left", async () => {
    const peer = await startGateway();
    await open({}, "");
    const loaded = () => page.evaluate(() => performance.getEntriesByType("resource").some(({ name }) => /\/assets\/LivePage-/.test(name)));
    await byId("camera-card").first().waitFor();
    expect(await loaded()).toBe(false);
    await fromCard().click();
    await inState("live");
    expect(await loaded()).toBe(true);
    await moves();
    await page.locator("[data-testid=live-player][data-way=webrtc]").waitFor();
    await byId("live-badge").getByText("Live", { exact: true }).waitFor();
    await byId("live-details").locator("summary").click();
    for (const phase of ["session", "signaling", "answer", "connect", "picture"]) {
      expect(await byId(`live-join-${phase}`).innerText()).toMatch(/\d+ ms$/);
    }
    expect(Number(await byId("live-player").getAttribute("data-join-ms"))).toBeGreaterThan(0);
    await byId("live-details").getByText("Direct", { exact: true }).waitFor();
    await byId("live-details").getByText("640 × 360").waitFor();
    expect(site.mock.seen).toContain(`POST /v1/cameras/${CAMERA}/live`);

    await byId("live-recordings").click();
    await byId("camera-day-page").waitFor();
    await expect.poll(() => site.mock.signaling.watching).toBe(0);
    await expect.poll(() => peer.evaluate(() => [...gateway.peers.values()].filter((p) => p.connectionState === "connected").length)).toBe(0);
    await byId("day-live").click();
    await inState("live");
  });

  it("takes pictures, chooses the quality, and says when it stays as it is", async () => {
    const peer = await startGateway();
    await open();
    await inState("live");
    const [download] = await Promise.all([page.waitForEvent("download"), byId("live-snapshot").click()]);
    expect(download.suggestedFilename()).toMatch(/^front-door-\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d\.jpg$/);
    await byId("live-note").getByText(download.suggestedFilename()).waitFor();
    await byId("live-full").click();
    await page.waitForFunction(() => document.fullscreenElement?.getAttribute("data-testid") === "live-player");
    await byId("live-full").getByText("Leave full screen").waitFor();
    await shoot("live-full-screen");
    await byId("live-full").click();
    await page.waitForFunction(() => document.fullscreenElement === null);
    await byId("live-quality").selectOption("main");
    await expect.poll(() => peer.evaluate(() => gateway.asked.filter(({ type }) => type === "quality").map(({ quality }) => quality))).toContain("main");
    await byId("live-details").locator("summary").click();
    await byId("live-details").getByText("main", { exact: true }).waitFor();
    await byId("live-quality").selectOption("sub");
    await byId("live-note").getByText("this camera has one stream only").waitFor();
    expect(await byId("live-quality").inputValue()).toBe("main");
  });

  it("offers no choice where the gateway knows none", async () => {
    const peer = await startGateway();
    await peer.evaluate(() => (gateway.commands = false));
    await open();
    await inState("live");
    await expect.poll(() => peer.evaluate(() => gateway.asked.length)).toBeGreaterThan(0);
    expect(await byId("live-quality").count()).toBe(0);
    expect(await byId("live-mute").count()).toBe(0); // it sends no sound either
  });

  it("is not troubled by messages that mean nothing", async () => {
    await startGateway();
    site.mock.signaling.garbage = true;
    await open();
    await inState("live");
    await moves();
    expect(await byId("notice").count()).toBe(0);
  });

  it("goes on while signaling is cut, told to leave, or told to renew its relays", async () => {
    await startGateway();
    await open();
    await inState("live");
    site.mock.signaling.announce("GO_AWAY");
    await expect.poll(() => site.mock.signaling.connected).toBeGreaterThan(1);
    await moves();
    site.mock.signaling.announce("RECONNECT_ICE_SERVER");
    await expect.poll(() => site.mock.signaling.offers).toBeGreaterThan(1);
    await moves();
    site.mock.signaling.cut();
    await moves();
    await inState("live");
  });

  it("connects again when the gateway was gone", async () => {
    const peer = await startGateway();
    await open();
    await inState("live");
    await peer.evaluate(() => gateway.die());
    await page.locator("[data-testid=live-player]:not([data-state=live])").waitFor();
    await inState("live");
    await moves();
    expect(site.mock.signaling.offers).toBeGreaterThan(1);
  });

  it("says that the camera sends nothing, and goes on when it does", async () => {
    const peer = await startGateway();
    await open();
    await inState("live");
    await peer.evaluate(() => gateway.freeze(true));
    await inState("waiting");
    await byId("live-words").getByText("sends no pictures").waitFor();
    await peer.evaluate(() => gateway.thaw());
    await inState("live");
    await moves();
  });

  it.each([
    ["full 2 viewers are watching, which is the limit", "full", "Too many are watching"],
    ["codec the camera sends H.265 of 1920x1080", "codec", "This browser cannot show the camera live"],
    ["private the owner has switched live view off for now", "private", "The camera is private now"],
    ["unavailable live view is not available", "failed", "did not let this viewer in"],
  ])("says why the gateway turned it down: %s", async (refuse, kind, words) => {
    const peer = await startGateway();
    await peer.evaluate((why) => (gateway.refuse = why), refuse);
    await open();
    await ended(kind);
    await byId("notice").getByText(words).waitFor();
    expect(await violations(page)).toEqual([]);
    await peer.evaluate(() => (gateway.refuse = undefined));
    // It may have tried again by itself meanwhile.
    await byId("notice").getByRole("button").click({ timeout: 2_000 }).catch(() => {});
    await inState("live");
    await byId("notice").waitFor({ state: "detached" });
  });

  it("says that a camera is offline, and shows it by itself when it is back", async () => {
    await startGateway();
    const camera = site.mock.cameras[0];
    if (!camera) throw new Error("no camera");
    camera.online = false;
    await open({ viewport: { width: 360, height: 800 } });
    await byId("notice").getByText("The camera is offline").waitFor();
    expect(await violations(page)).toEqual([]);
    await shoot("live-offline");
    camera.online = true;
    await inState("live");
  });

  it("says that no gateway answers, and shows the camera by itself when one does", async () => {
    await open();
    await ended("silent");
    await byId("notice").getByText("does not answer").waitFor();
    await startGateway();
    await inState("live");
  });

  it("rests while nobody looks, and goes on when somebody does", async () => {
    await startGateway();
    await open();
    await inState("live");
    const show = (hidden: boolean) =>
      page.evaluate((value) => {
        Object.defineProperty(document, "hidden", { value, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      }, hidden);
    await page.evaluate(() => window.dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true })));
    await inState("paused");
    await expect.poll(() => site.mock.signaling.watching).toBe(0);
    await byId("live-resume").waitFor();
    expect(await violations(page)).toEqual([]);
    await show(false);
    await inState("live");
  });

  describe.skipIf(!hasFFmpeg)("as a recording", () => {
    it("stands in when the direct way takes long, and leaves when it is open", async () => {
      site.mock.video.record(CAMERA, Date.now() - 60_000, Infinity);
      await startGateway();
      site.mock.signaling.hold();
      await open();
      await page.locator("[data-testid=live-player][data-way=hls]").waitFor();
      await moves("live-behind");
      await byId("live-badge").getByText(/^Live, (\d+|some) s/).waitFor();
      await byId("live-note").getByText("some seconds late").waitFor();
      expect(await violations(page)).toEqual([]);
      await shoot("live-behind");
      site.mock.signaling.release();
      await page.locator("[data-testid=live-player][data-way=webrtc]").waitFor();
      await moves();
      await expect.poll(() => byId("live-behind").evaluate((video: HTMLVideoElement) => video.getAttribute("src"))).toBeNull();
    });
  });

  it.each([
    [360, "light"],
    [360, "dark"],
    [1280, "light"],
    [1280, "dark"],
  ] as const)("has no accessibility violation at %i px, %s", async (width, colorScheme) => {
    const peer = await startGateway();
    await open({ viewport: { width, height: 800 }, colorScheme }, "");
    await fromCard().waitFor();
    expect(await violations(page)).toEqual([]);
    await shoot(`cards-${width}-${colorScheme}`);
    site.mock.signaling.hold();
    await fromCard().click();
    await byId("live-words").getByText("gateway's answer").waitFor();
    expect(await violations(page)).toEqual([]);
    await shoot(`live-connecting-${width}-${colorScheme}`);
    site.mock.signaling.release();
    await inState("live");
    await byId("live-quality").waitFor();
    await byId("live-details").locator("summary").click();
    await byId("live-details").getByText("Direct", { exact: true }).waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
    await shoot(`live-${width}-${colorScheme}`);
    await peer.evaluate(() => (gateway.refuse = "full 10 viewers are watching, which is the limit; try again when one has left"));
    await byId("live-back").click();
    await fromCard().click();
    await ended("full");
    expect(await violations(page)).toEqual([]);
    await shoot(`live-full-${width}-${colorScheme}`);
    await byId("live-recordings").click();
    await byId("play-day").waitFor();
    expect(await violations(page)).toEqual([]);
    await shoot(`live-day-${width}-${colorScheme}`);
  });
});
