import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../../src/api/client";
import type { LiveSession } from "../../src/api/types";
import { UnreachableError } from "../../src/lib/http";
import { SignedOutError } from "../../src/lib/problem";
import { Live } from "../../src/live/live";
import { live as words } from "../../src/live/messages";
import type { Opening } from "../../src/playback/engine";
import { FakePage } from "./helpers";
import { FakePeer, FakeSocket, FakeStream, FakeVideo } from "./live-fakes";

const START = Date.UTC(2026, 0, 5, 12);
const noLive = new ApiError(404, { title: "The camera cannot be seen live just now" }, "no-live");

describe("Live", () => {
  let page: FakePage;
  let element: FakeVideo;
  let behind: FakeVideo;
  let sockets: FakeSocket[];
  let peers: FakePeer[];
  let openings: Opening[];
  let asked: number;
  let fails: Error | undefined;
  let life: number;
  let network: Set<() => void>;
  let apart: boolean;
  let live: Live;

  beforeEach(() => {
    vi.useFakeTimers({ now: START });
    page = new FakePage();
    [element, behind] = [new FakeVideo(), new FakeVideo()];
    [sockets, peers, openings, asked, fails, life, apart] = [[], [], [], 0, undefined, 299_000, false];
    network = new Set();
    live = new Live({
      ask: async (camera, signal) => {
        asked++;
        await Promise.resolve();
        if (signal.aborted) throw new DOMException("abandoned", "AbortError");
        if (fails) throw fails;
        return session(camera);
      },
      askBehind: async (camera) => ({ protocol: "hls", url: `https://video.example/${camera}`, expires_at: new Date(START).toISOString() }),
      openEngine: async (opening) => {
        openings.push(opening);
        return { pieces: () => [{ start: 0, date: Date.now() - 8_000, length: 60_000 }], live: () => true, resume() {}, stop() {} };
      },
      page,
      openSocket: (url) => {
        const socket = new FakeSocket(url);
        sockets.push(socket);
        return socket as unknown as WebSocket;
      },
      newPeer: (configuration) => {
        const peer = new FakePeer(configuration);
        peers.push(peer);
        return peer as unknown as RTCPeerConnection;
      },
      newStream: () => new FakeStream() as unknown as MediaStream,
      onNetwork: (callback) => {
        network.add(callback);
        return () => network.delete(callback);
      },
      seenApart: () => apart,
      now: Date.now,
      clock: () => performance.now(),
      random: () => 0.5,
    });
    live.attach(element as unknown as HTMLVideoElement, behind as unknown as HTMLVideoElement);
  });
  afterEach(() => {
    live.dispose();
    // Nothing is left of anything.
    expect(vi.getTimerCount()).toBe(0);
    expect(page.watchers).toBe(0);
    expect(network.size).toBe(0);
    expect(peers.every(({ closed }) => closed)).toBe(true);
    expect(sockets.every(({ closed }) => closed)).toBe(true);
    expect(peers.flatMap((peer) => peer.getTransceivers()).every(({ receiver }) => receiver.track.stopped)).toBe(true);
    expect(element.srcObject).toBeNull();
    vi.useRealTimers();
  });

  const session = (camera: string): LiveSession => ({
    channel: camera,
    client_id: `viewer-${asked}`,
    url: `wss://signaling.example/?client=${asked}`,
    expires_at: new Date(Date.now() + life).toISOString(),
    ice_servers: [{ urls: ["stun:stun.example:443"] }, { urls: ["javascript:alert(1)"] }, { urls: ["turns:turn.example:443"], username: "u", credential: "c" }],
  });
  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
  const name = () => live.state.value.name;
  /** Lets time pass until something is so. */
  const until = async (so: () => boolean) => {
    for (let i = 0; i < 6_000 && !so(); i++) await pass(100);
    expect(so()).toBe(true);
  };
  const last = <T,>(list: T[]): T => list.at(-1) as T;
  const socket = () => last(sockets);
  const peer = () => last(peers);

  const start = async () => {
    live.start("home.door");
    await pass(0);
  };
  /** The rest of the way to a picture, of the newest connection. */
  const connect = async () => {
    peer().look ??= flowing;
    socket().open();
    await pass(10);
    socket().answer();
    await pass(10);
    peer().become("connected");
    await pass(10);
    element.picture();
  };
  function flowing(this: FakePeer): void {
    this.packets += 10;
  }
  const still = (one: FakePeer) => (one.look = () => {});
  const startAndConnect = async () => {
    await start();
    await connect();
    expect(name()).toBe("live");
  };

  it("goes through its phases to the picture, and tells how long each took", async () => {
    live.start("home.door");
    expect(live.state.value).toEqual({ name: "connecting", phase: "session" });
    expect(peers).toHaveLength(1); // made ready while the API is asked
    await pass(0);
    expect(live.state.value).toEqual({ name: "connecting", phase: "signaling" });
    expect(peer().configuration.iceServers?.map(({ urls }) => urls)).toEqual([["stun:stun.example:443"], ["turns:turn.example:443"]]);
    peer().onicecandidate?.({ candidate: { candidate: "mine", toJSON: () => ({ candidate: "mine" }) } });
    expect(socket().sent).toEqual([]);
    await pass(40);
    socket().open();
    expect(socket().sent).toEqual([
      { action: "SDP_OFFER", payload: { type: "offer", sdp: "offer 1" }, correlationId: "offer-1" },
      { action: "ICE_CANDIDATE", payload: { candidate: "mine" } },
    ]);
    expect(live.state.value).toEqual({ name: "connecting", phase: "answer" });
    socket().hear("ICE_CANDIDATE", { candidate: "early" });
    socket().hear("ICE_CANDIDATE", { candidate: "bad" });
    await pass(20);
    socket().answer();
    expect(live.state.value).toEqual({ name: "connecting", phase: "connect" });
    await pass(0);
    expect(peer().candidates).toEqual([{ candidate: "early" }]);
    socket().hear("ICE_CANDIDATE", { candidate: "late" });
    await pass(30);
    expect(peer().candidates).toHaveLength(2);
    peer().become("connected");
    expect(live.state.value).toEqual({ name: "connecting", phase: "picture" });
    peer().look = flowing;
    await pass(50);
    element.picture();
    expect(name()).toBe("live");
    expect(live.way.value).toBe("webrtc");
    expect(element.paused).toBe(false);
    expect(live.join.value).toEqual({ session: 0, signaling: 40, answer: 60, connect: 90, picture: 140 });
    expect(live.sound.value).toBe(false);
    await pass(60_000);
    expect(name()).toBe("live");
    expect(asked).toBe(1);
    expect(openings).toHaveLength(0);
  });

  it("is shown as a recording after four seconds, at its newest, until there is a direct way", async () => {
    await start();
    socket().open();
    await pass(3_900);
    expect(openings).toHaveLength(0);
    await pass(200);
    expect(openings).toHaveLength(1);
    expect(live.way.value).toBeUndefined();
    last(openings).onReady();
    await pass(0);
    expect(live.way.value).toBe("hls");
    expect(live.screen).toBe(behind);
    expect(live.state.value).toEqual({ name: "connecting", phase: "answer" });
    await connect();
    expect(live.way.value).toBe("webrtc");
    expect(live.behind.state.value.name).toBe("closed");
  });

  it.each([
    ["signaling", words.problem.signaling, async () => {}],
    ["answer", words.problem.silent, async () => socket().open()],
    ["connect", words.problem.noWay, async () => (socket().open(), await pass(0), socket().answer())],
    ["picture", words.problem.noPicture, async () => (socket().open(), await pass(0), socket().answer(), await pass(0), peer().become("connected"))],
  ])("gives %s its time, then says what that means and begins anew with a new session", async (phase, problem, reach) => {
    await start();
    await reach();
    await pass(0);
    expect(live.state.value).toMatchObject({ phase });
    await pass(15_500);
    expect(live.ending.value?.problem).toEqual(problem);
    await pass(60_000);
    expect(asked).toBeGreaterThan(1);
    expect(peers.slice(0, -1).every(({ closed }) => closed)).toBe(true);
    // What went wrong stays on screen until there is a picture.
    expect(live.ending.value).toBeDefined();
    await until(() => name() === "connecting");
    await connect();
    expect(name()).toBe("live");
    expect(live.ending.value).toBeUndefined();
  });

  it("says that this browser knows the format not, when video comes and no picture", async () => {
    await start();
    socket().open();
    await pass(0);
    socket().answer();
    await pass(0);
    peer().become("connected");
    peer().look = flowing;
    peer().decodes = false;
    await pass(10_500);
    expect(live.ending.value).toMatchObject({ kind: "codec", again: true });
  });

  it("waits ever longer between tries, and tries at once when asked or woken", async () => {
    fails = new UnreachableError({ title: "nobody there" });
    await start();
    expect(name()).toBe("failed");
    const times: number[] = [];
    for (let i = 0; i < 7; i++) {
      const [before, then] = [asked, Date.now()];
      await until(() => asked > before);
      times.push(Math.round((Date.now() - then) / 1000));
    }
    expect(times).toEqual([1, 2, 4, 8, 15, 30, 30]);
    const before = asked;
    live.retry();
    await pass(0);
    page.show(false);
    await pass(120_000);
    expect(asked).toBe(before + 1); // nobody looks
    page.show(true);
    await pass(0);
    expect(asked).toBe(before + 2);
    for (const callback of network) callback();
    await pass(0);
    expect(asked).toBe(before + 3);
  });

  it.each([
    ["full 10 viewers are watching", "full", true, true],
    ["codec the camera sends H.265", "codec", false, true],
    ["b_frames turn B-frames off", "codec", false, true],
    ["private switched off", "private", true, false],
    ["forbidden this viewer may not watch", "forbidden", false, false],
    ["unavailable sorry", "failed", true, true],
  ])("hears why the gateway turns it down: %s", async (why, kind, again, recording) => {
    await start();
    socket().open();
    await pass(0);
    socket().answer(`v=0\r\na=x-porchlight-refused:${why}\r\nm=video 0 X 96\r\n`);
    await pass(0);
    expect(live.ending.value).toMatchObject({ kind, again });
    expect(openings.length > 0 || live.behind.open.value).toBe(recording);
    await pass(3_000);
    expect(asked).toBe(again ? 2 : 1);
  });

  it("asks no more of what the API says cannot be, and ends with the sign-in", async () => {
    fails = noLive;
    await start();
    expect(live.ending.value).toMatchObject({ kind: "no-live", again: true });
    expect(live.behind.open.value).toBe(false);
    fails = new ApiError(404, { title: "No such camera" });
    live.retry();
    await pass(0);
    expect(live.ending.value).toMatchObject({ kind: "failed", again: false });
    await pass(60_000);
    expect(asked).toBe(2);
    fails = new SignedOutError({ title: "over" });
    live.retry();
    await pass(0);
    expect(name()).toBe("closed");
  });

  it("goes without WebRTC where there is none", async () => {
    const none = new Live({
      ...(live as unknown as { ports: ConstructorParameters<typeof Live>[0] }).ports,
      newPeer: () => {
        throw new ReferenceError("RTCPeerConnection is not defined");
      },
    });
    none.attach(new FakeVideo() as unknown as HTMLVideoElement, new FakeVideo() as unknown as HTMLVideoElement);
    none.start("home.door");
    await pass(0);
    expect(none.ending.value).toMatchObject({ kind: "unsupported", again: false });
    expect(none.behind.open.value).toBe(true);
    expect(asked).toBe(0);
    none.dispose();
  });

  it("looks for another way when packets stop, and does all anew beside it when that does not help", async () => {
    await startAndConnect();
    await pass(20_000);
    still(peer());
    await pass(2_600);
    expect(name()).toBe("reconnecting");
    expect(peer().offers.at(-1)).toEqual({ iceRestart: true });
    expect(last(socket().sent)).toMatchObject({ action: "SDP_OFFER", correlationId: "offer-2" });
    await pass(3_500);
    expect(peers).toHaveLength(2);
    expect(peers[0]?.closed).toBe(false); // its last picture stays
    const before = element.srcObject;
    await connect();
    expect(name()).toBe("live");
    expect(element.srcObject).not.toBe(before);
    expect(peers[0]?.closed).toBe(true);
    expect(live.ending.value).toBeUndefined();
  });

  it("is well again when the packets come back by themselves", async () => {
    await startAndConnect();
    still(peer());
    await pass(2_600);
    expect(name()).toBe("reconnecting");
    socket().answer();
    peer().look = flowing;
    await pass(600);
    expect(name()).toBe("live");
    await pass(30_000);
    expect(asked).toBe(1);
  });

  it("does not hammer a camera whose pictures stop again and again", async () => {
    await startAndConnect();
    for (let i = 0; i < 3; i++) {
      still(peer());
      const before = asked;
      await until(() => asked > before);
      await connect();
    }
    const before = Date.now();
    still(peer());
    const count = asked;
    await until(() => asked > count);
    expect(Date.now() - before).toBeGreaterThan(10_000);
  });

  it("connects again at once when what was well for long breaks off", async () => {
    life = 15_000;
    await startAndConnect();
    await pass(20_000);
    socket().drop(); // which what is connected does without
    await pass(10_000);
    expect(name()).toBe("live");
    peer().become("failed");
    expect(live.state.value.name).toBe("reconnecting");
    expect(live.ending.value).toBeUndefined();
    await pass(0);
    expect(asked).toBe(2);
    await connect();
    expect(name()).toBe("live");
  });

  it("follows the device to another network by the connection it has", async () => {
    await startAndConnect();
    for (const callback of network) callback();
    await pass(0);
    expect(peer().offers).toHaveLength(2);
    expect(name()).toBe("live");
    socket().answer();
    await pass(10_000);
    expect(name()).toBe("live");
    expect(asked).toBe(1);
  });

  it("makes a new connection beside the old one when signaling is gone", async () => {
    life = 5_000;
    await startAndConnect();
    await pass(6_000);
    socket().drop();
    await pass(0);
    for (const callback of network) callback();
    await pass(0);
    expect(asked).toBe(2);
    expect(name()).toBe("live");
    await connect();
    expect(name()).toBe("live");
    expect(peers[0]?.closed).toBe(true);
  });

  it("connects to the exchange again when told to go, while its address serves", async () => {
    await startAndConnect();
    const first = socket();
    first.hear("GO_AWAY");
    await pass(0);
    expect(sockets).toHaveLength(2);
    expect(first.closed).toBe(true);
    expect(socket().url).toBe(first.url);
    socket().open();
    await pass(300_000);
    socket().hear("GO_AWAY");
    await pass(0);
    expect(sockets).toHaveLength(2);
    expect(socket().closed).toBe(false);
    socket().drop();
    await pass(60_000);
    expect(name()).toBe("live");
  });

  it("does not storm an exchange that hangs up each time", async () => {
    await start();
    for (const wait of [1_000, 3_000, 5_500]) {
      socket().open();
      socket().drop();
      await pass(wait);
    }
    expect(sockets).toHaveLength(4);
    socket().open();
    socket().drop();
    await pass(0);
    expect(live.ending.value?.problem).toEqual(words.problem.signaling);
    expect(asked).toBe(1);
  });

  it("renews its relays when they are about to go", async () => {
    await startAndConnect();
    socket().hear("RECONNECT_ICE_SERVER");
    await pass(0);
    expect(asked).toBe(2);
    expect(peer().offers).toEqual([{}, { iceRestart: true }]);
    expect(last(socket().sent)).toMatchObject({ action: "SDP_OFFER" });
    socket().answer();
    await pass(10_000);
    expect(name()).toBe("live");
    expect(peers).toHaveLength(1);
  });

  it("tells that its offer did not get through", async () => {
    await start();
    socket().open();
    await pass(0);
    socket().hear("STATUS_RESPONSE", {}, { statusResponse: { correlationId: "other", statusCode: "400", description: "no" } });
    expect(name()).toBe("connecting");
    socket().hear("STATUS_RESPONSE", {}, { statusResponse: { correlationId: "offer-1", statusCode: "400", description: "too large" } });
    await pass(0);
    expect(live.ending.value?.problem.detail).toContain("too large");
  });

  it("waits with the camera, and is sent away with a reason", async () => {
    await start();
    socket().open();
    await pass(0);
    socket().answer();
    await pass(0);
    peer().become("connected");
    peer().channel.open();
    peer().channel.hear({ type: "status", state: "waiting", text: "the camera sends no pictures right now" });
    expect(name()).toBe("waiting");
    await pass(60_000);
    expect(name()).toBe("waiting");
    peer().look = flowing;
    element.picture();
    expect(name()).toBe("live");
    peer().channel.hear({ type: "status", state: "waiting" });
    still(peer());
    await pass(30_000);
    expect(name()).toBe("waiting");
    peer().look = flowing;
    peer().channel.hear({ type: "status", state: "live", quality: "main" });
    expect(name()).toBe("live");
    expect(live.sent.value).toBe("main");
    peer().channel.hear({ type: "status", state: "ended", code: "private", text: "switched off" });
    await pass(0);
    expect(live.ending.value?.kind).toBe("private");
    expect(element.srcObject).toBeNull(); // not even the last picture
  });

  it("lets the quality be chosen where the gateway answers, and keeps the choice", async () => {
    await startAndConnect();
    expect(live.quality.value).toBeUndefined();
    peer().channel.open();
    await pass(0);
    expect(live.quality.value).toBe("auto");
    await live.choose("main");
    expect(last(peer().channel.sent)).toMatchObject({ v: 1, type: "quality", quality: "main" });
    peer().channel.replies.quality = { ok: false, error: { code: "failed", text: "this camera has one stream only" } };
    await live.choose("sub");
    expect(live.quality.value).toBe("main");
    expect(live.qualityRefused.value).toBe("this camera has one stream only");
    peer().become("closed");
    await pass(1_500);
    await connect();
    peer().channel.open();
    await pass(0);
    expect(peer().channel.sent).toMatchObject([{ type: "ping" }, { type: "quality", quality: "main" }]);
  });

  it("offers no quality where the gateway does not answer", async () => {
    await startAndConnect();
    peer().channel.replies = {};
    peer().channel.open();
    await pass(20_000);
    expect(live.quality.value).toBeUndefined();
  });

  it("rests when nobody has looked for a minute, and goes on when somebody does", async () => {
    await startAndConnect();
    page.show(false);
    await pass(59_000);
    expect(name()).toBe("live");
    page.show(true);
    page.show(false);
    await pass(59_000);
    expect(name()).toBe("live");
    await pass(2_000);
    expect(name()).toBe("paused");
    expect(peer().closed).toBe(true);
    expect(element.srcObject).not.toBeNull(); // the last picture stays
    await pass(600_000);
    expect(asked).toBe(1);
    page.show(true);
    await pass(0);
    await connect();
    expect(name()).toBe("live");
    // Seen in a window of its own, it goes on.
    apart = true;
    page.show(false);
    await pass(600_000);
    expect(name()).toBe("live");
  });

  it("starts silent, and stays so where sound is not allowed", async () => {
    await startAndConnect();
    expect(element.muted && behind.muted).toBe(true);
    live.mute(false);
    expect(element.muted || behind.muted).toBe(false);
    element.refusesSound = true;
    peer().become("closed");
    await pass(1_500);
    await connect();
    await pass(0);
    expect(element.muted).toBe(true);
    expect(element.paused).toBe(false);
  });

  it("shows another camera, and nothing of the one before", async () => {
    await startAndConnect();
    const first = peer();
    live.start("home.garden");
    expect(first.closed).toBe(true);
    expect(element.srcObject).toBeNull();
    expect(live.join.value).toEqual({});
    await pass(0);
    await connect();
    expect(name()).toBe("live");
  });
});
