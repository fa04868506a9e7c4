import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ApiError } from "../../src/api/client";
import { UnreachableError } from "../../src/lib/http";
import { SignedOutError } from "../../src/lib/problem";
import { live as words } from "../../src/live/messages";
import { Live } from "../../src/live/live";
import { FakeVideo } from "./live-fakes";
import { LiveWorld, last, noLive } from "./live-world";

describe("Live", () => {
  let w: LiveWorld;
  beforeEach(() => {
    w = new LiveWorld();
  });
  afterEach(() => w.end());

  it("goes through its phases to the picture, and tells how long each took", async () => {
    w.live.start("home.door");
    expect(w.live.state.value).toEqual({ name: "connecting", phase: "session" });
    expect(w.peers).toHaveLength(1); // made ready while the API is asked
    await w.pass(0);
    expect(w.live.state.value).toEqual({ name: "connecting", phase: "signaling" });
    expect(w.peer().configuration.iceServers?.map(({ urls }) => urls)).toEqual([["stun:stun.example:443"], ["turns:turn.example:443"]]);
    w.peer().onicecandidate?.({ candidate: { candidate: "mine", toJSON: () => ({ candidate: "mine" }) } });
    expect(w.socket().sent).toEqual([]);
    await w.pass(40);
    w.socket().open();
    expect(w.socket().sent).toEqual([
      { action: "SDP_OFFER", payload: { type: "offer", sdp: "offer 1" }, correlationId: "offer-1" },
      { action: "ICE_CANDIDATE", payload: { candidate: "mine" } },
    ]);
    expect(w.live.state.value).toEqual({ name: "connecting", phase: "answer" });
    w.socket().hear("ICE_CANDIDATE", { candidate: "early" });
    w.socket().hear("ICE_CANDIDATE", { candidate: "bad" });
    await w.pass(20);
    w.socket().answer();
    await w.pass(0);
    expect(w.live.state.value).toEqual({ name: "connecting", phase: "connect" });
    expect(w.peer().candidates).toEqual([{ candidate: "early" }]);
    w.socket().hear("ICE_CANDIDATE", { candidate: "late" });
    await w.pass(30);
    expect(w.peer().candidates).toHaveLength(2);
    w.peer().become("connected");
    expect(w.live.state.value).toEqual({ name: "connecting", phase: "picture" });
    w.peer().look = w.flowing;
    await w.pass(50);
    w.element.picture();
    expect(w.name()).toBe("live");
    expect(w.live.way.value).toBe("webrtc");
    expect(w.element.paused).toBe(false);
    expect(w.live.join.value).toEqual({ session: 0, signaling: 40, answer: 60, connect: 90, picture: 140 });
    expect(w.live.sound.value).toBe(false);
    await w.pass(60_000);
    expect(w.name()).toBe("live");
    expect(w.asked).toBe(1);
    expect(w.openings).toHaveLength(0);
  });

  it("is shown as a recording after four seconds, at its newest, until there is a direct way", async () => {
    await w.start();
    w.socket().open();
    await w.pass(3_900);
    expect(w.openings).toHaveLength(0);
    await w.pass(200);
    expect(w.openings).toHaveLength(1);
    expect(w.live.way.value).toBeUndefined();
    last(w.openings).onReady();
    await w.pass(0);
    expect(w.live.way.value).toBe("hls");
    expect(w.live.screen).toBe(w.behind);
    expect(w.live.state.value).toEqual({ name: "connecting", phase: "answer" });
    await w.connect();
    expect(w.live.way.value).toBe("webrtc");
    expect(w.live.behind.state.value.name).toBe("closed");
  });

  it.each([
    ["signaling", words.problem.signaling, async () => {}],
    ["answer", words.problem.silent, async () => w.socket().open()],
    ["connect", words.problem.noWay, async () => (w.socket().open(), await w.pass(0), w.socket().answer())],
    ["picture", words.problem.noPicture, async () => (w.socket().open(), await w.pass(0), w.socket().answer(), await w.pass(0), w.peer().become("connected"))],
  ])("gives %s its time, then says what that means and begins anew with a new session", async (phase, problem, reach) => {
    await w.start();
    await reach();
    await w.pass(0);
    expect(w.live.state.value).toMatchObject({ phase });
    await w.pass(15_500);
    expect(w.live.ending.value?.problem).toEqual(problem);
    await w.pass(60_000);
    expect(w.asked).toBeGreaterThan(1);
    expect(w.peers.slice(0, -1).every(({ closed }) => closed)).toBe(true);
    // What went wrong stays on screen until there is a picture.
    expect(w.live.ending.value).toBeDefined();
    await w.until(() => w.name() === "connecting");
    await w.connect();
    expect(w.name()).toBe("live");
    expect(w.live.ending.value).toBeUndefined();
  });

  it("says that this browser knows the format not, when video comes and no picture", async () => {
    await w.start();
    w.socket().open();
    await w.pass(0);
    w.socket().answer();
    await w.pass(0);
    w.peer().become("connected");
    w.peer().look = w.flowing;
    w.peer().decodes = false;
    await w.pass(10_500);
    expect(w.live.ending.value).toMatchObject({ kind: "codec", again: true });
  });

  it("waits ever longer between tries, and tries at once when asked or woken", async () => {
    w.fails = new UnreachableError({ title: "nobody there" });
    await w.start();
    expect(w.name()).toBe("failed");
    const times: number[] = [];
    for (let i = 0; i < 7; i++) {
      const [before, then] = [w.asked, Date.now()];
      await w.until(() => w.asked > before);
      times.push(Math.round((Date.now() - then) / 1000));
    }
    expect(times).toEqual([1, 2, 4, 8, 15, 30, 30]);
    const before = w.asked;
    w.live.retry();
    await w.pass(0);
    w.page.show(false);
    await w.pass(120_000);
    expect(w.asked).toBe(before + 1); // nobody looks
    w.page.show(true);
    await w.pass(0);
    expect(w.asked).toBe(before + 2);
    for (const callback of w.network) callback();
    await w.pass(0);
    expect(w.asked).toBe(before + 3);
  });

  it.each([
    ["full 10 viewers are watching", "full", true, true],
    ["codec the camera sends H.265", "codec", false, true],
    ["b_frames turn B-frames off", "codec", false, true],
    ["private switched off", "private", true, false],
    ["forbidden this viewer may not watch", "forbidden", false, false],
    ["unavailable sorry", "failed", true, true],
  ])("hears why the gateway turns it down: %s", async (why, kind, again, recording) => {
    await w.start();
    w.socket().open();
    await w.pass(0);
    w.socket().answer(`v=0\r\na=x-porchlight-refused:${why}\r\nm=video 0 X 96\r\n`);
    await w.pass(0);
    expect(w.live.ending.value).toMatchObject({ kind, again });
    expect(w.openings.length > 0 || w.live.behind.open.value).toBe(recording);
    await w.pass(3_000);
    expect(w.asked).toBe(again ? 2 : 1);
  });

  it("asks no more of what the API says cannot be, and ends with the sign-in", async () => {
    w.fails = noLive;
    await w.start();
    expect(w.live.ending.value).toMatchObject({ kind: "no-live", again: true });
    expect(w.live.behind.open.value).toBe(false);
    w.fails = new ApiError(404, { title: "No such camera" });
    w.live.retry();
    await w.pass(0);
    expect(w.live.ending.value).toMatchObject({ kind: "failed", again: false });
    await w.pass(60_000);
    expect(w.asked).toBe(2);
    w.fails = new SignedOutError({ title: "over" });
    w.live.retry();
    await w.pass(0);
    expect(w.name()).toBe("closed");
  });

  it("goes without WebRTC where there is none", async () => {
    const none = new Live({
      ...(w.live as unknown as { ports: ConstructorParameters<typeof Live>[0] }).ports,
      newPeer: () => {
        throw new ReferenceError("RTCPeerConnection is not defined");
      },
    });
    none.attach(new FakeVideo() as unknown as HTMLVideoElement, new FakeVideo() as unknown as HTMLVideoElement);
    none.start("home.door");
    await w.pass(0);
    expect(none.ending.value).toMatchObject({ kind: "unsupported", again: false });
    expect(none.behind.open.value).toBe(true);
    none.dispose();
  });
});
