import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { live as words } from "../../src/live/messages";
import { LiveWorld, last } from "./live-world";

describe("Live in trouble", () => {
  let w: LiveWorld;
  beforeEach(() => {
    w = new LiveWorld();
  });
  afterEach(() => w.end());

  it("looks for another way when packets stop, and does all anew beside it when that does not help", async () => {
    await w.startAndConnect();
    await w.pass(20_000);
    w.still(w.peer());
    await w.pass(2_600);
    expect(w.name()).toBe("reconnecting");
    expect(w.peer().offers.at(-1)).toEqual({ iceRestart: true });
    expect(last(w.socket().sent)).toMatchObject({ action: "SDP_OFFER", correlationId: "offer-2" });
    await w.pass(3_500);
    expect(w.peers).toHaveLength(2);
    expect(w.peers[0]?.closed).toBe(false); // its last picture stays
    const before = w.element.srcObject;
    await w.connect();
    expect(w.name()).toBe("live");
    expect(w.element.srcObject).not.toBe(before);
    expect(w.peers[0]?.closed).toBe(true);
    expect(w.live.ending.value).toBeUndefined();
  });

  it("is well again when the packets come back by themselves", async () => {
    await w.startAndConnect();
    w.still(w.peer());
    await w.pass(2_600);
    expect(w.name()).toBe("reconnecting");
    w.socket().answer();
    w.peer().look = w.flowing;
    await w.pass(600);
    expect(w.name()).toBe("live");
    await w.pass(30_000);
    expect(w.asked).toBe(1);
  });

  it("does not hammer a camera whose pictures stop again and again", async () => {
    await w.startAndConnect();
    for (let i = 0; i < 3; i++) {
      w.still(w.peer());
      const before = w.asked;
      await w.until(() => w.asked > before);
      await w.connect();
    }
    const before = Date.now();
    w.still(w.peer());
    const count = w.asked;
    await w.until(() => w.asked > count);
    expect(Date.now() - before).toBeGreaterThan(10_000);
  });

  it("connects again at once when what was well for long breaks off", async () => {
    w.life = 15_000;
    await w.startAndConnect();
    await w.pass(20_000);
    w.socket().drop(); // which what is connected does without
    await w.pass(10_000);
    expect(w.name()).toBe("live");
    w.peer().become("failed");
    expect(w.live.state.value.name).toBe("reconnecting");
    expect(w.live.ending.value).toBeUndefined();
    await w.pass(0);
    expect(w.asked).toBe(2);
    await w.connect();
    expect(w.name()).toBe("live");
  });

  it("follows the device to another network by the connection it has", async () => {
    await w.startAndConnect();
    for (const callback of w.network) callback();
    await w.pass(0);
    expect(w.peer().offers).toHaveLength(2);
    expect(w.name()).toBe("live");
    w.socket().answer();
    await w.pass(10_000);
    expect(w.name()).toBe("live");
    expect(w.asked).toBe(1);
  });

  it("takes an answer that comes before its own side is ready, and candidates after it", async () => {
    await w.startAndConnect();
    const one = w.peer();
    one.slow = 50;
    for (const callback of w.network) callback();
    await w.pass(0);
    w.socket().answer();
    w.socket().hear("ICE_CANDIDATE", { candidate: "new" });
    await w.pass(10);
    expect(one.candidates).toEqual([]);
    await w.pass(100);
    expect(one.signalingState).toBe("stable");
    expect(one.candidates).toEqual([{ candidate: "new" }]);
    await w.pass(20_000);
    expect(w.asked).toBe(1);
  });

  it("makes a new connection beside the old one when signaling is gone", async () => {
    w.life = 5_000;
    await w.startAndConnect();
    await w.pass(6_000);
    w.socket().drop();
    await w.pass(0);
    for (const callback of w.network) callback();
    await w.pass(0);
    expect(w.asked).toBe(2);
    expect(w.name()).toBe("live");
    await w.connect();
    expect(w.name()).toBe("live");
    expect(w.peers[0]?.closed).toBe(true);
  });

  it("connects to the exchange again when told to go, while its address serves", async () => {
    await w.startAndConnect();
    const first = w.socket();
    first.hear("GO_AWAY");
    await w.pass(0);
    expect(w.sockets).toHaveLength(2);
    expect(first.closed).toBe(true);
    expect(w.socket().url).toBe(first.url);
    w.socket().open();
    await w.pass(300_000);
    w.socket().hear("GO_AWAY");
    await w.pass(0);
    expect(w.sockets).toHaveLength(2);
    expect(w.socket().closed).toBe(false);
    w.socket().drop();
    await w.pass(60_000);
    expect(w.name()).toBe("live");
  });

  it("does not storm an exchange that hangs up each time", async () => {
    await w.start();
    for (const wait of [1_000, 3_000, 5_500]) {
      w.socket().open();
      w.socket().drop();
      await w.pass(wait);
    }
    expect(w.sockets).toHaveLength(4);
    w.socket().open();
    w.socket().drop();
    await w.pass(0);
    expect(w.live.ending.value?.problem).toEqual(words.problem.signaling);
    expect(w.asked).toBe(1);
  });

  it("renews its relays when they are about to go", async () => {
    await w.startAndConnect();
    w.socket().hear("RECONNECT_ICE_SERVER");
    await w.pass(0);
    expect(w.asked).toBe(2);
    expect(w.peer().offers).toEqual([{}, { iceRestart: true }]);
    expect(last(w.socket().sent)).toMatchObject({ action: "SDP_OFFER" });
    w.socket().answer();
    await w.pass(10_000);
    expect(w.name()).toBe("live");
    expect(w.peers).toHaveLength(1);
  });

  it("tells that its offer did not get through", async () => {
    await w.start();
    w.socket().open();
    await w.pass(0);
    w.socket().hear("STATUS_RESPONSE", {}, { statusResponse: { correlationId: "other", statusCode: "400", description: "no" } });
    expect(w.name()).toBe("connecting");
    w.socket().hear("STATUS_RESPONSE", {}, { statusResponse: { correlationId: "offer-1", statusCode: "400", description: "too large" } });
    await w.pass(0);
    expect(w.live.ending.value?.problem.detail).toContain("too large");
  });

  it("waits with the camera, and is sent away with a reason", async () => {
    await w.start();
    w.socket().open();
    await w.pass(0);
    w.socket().answer();
    await w.pass(0);
    w.peer().become("connected");
    w.peer().channel.open();
    w.peer().channel.hear({ type: "status", state: "waiting", text: "the camera sends no pictures right now" });
    expect(w.name()).toBe("waiting");
    await w.pass(60_000);
    expect(w.name()).toBe("waiting");
    w.peer().look = w.flowing;
    w.element.picture();
    expect(w.name()).toBe("live");
    w.peer().channel.hear({ type: "status", state: "waiting" });
    w.still(w.peer());
    await w.pass(30_000);
    expect(w.name()).toBe("waiting");
    w.peer().look = w.flowing;
    w.peer().channel.hear({ type: "status", state: "live", quality: "main" });
    expect(w.name()).toBe("live");
    expect(w.live.sent.value).toBe("main");
    w.peer().channel.hear({ type: "status", state: "ended", code: "private", text: "switched off" });
    await w.pass(0);
    expect(w.live.ending.value?.kind).toBe("private");
    expect(w.element.srcObject).toBeNull(); // not even the last picture
  });

  it("lets the quality be chosen where the gateway answers, and keeps the choice", async () => {
    await w.startAndConnect();
    expect(w.live.quality.value).toBeUndefined();
    w.peer().channel.open();
    await w.pass(0);
    expect(w.live.quality.value).toBe("auto");
    await w.live.choose("main");
    expect(last(w.peer().channel.sent)).toMatchObject({ v: 1, type: "quality", quality: "main" });
    w.peer().channel.replies.quality = { ok: false, error: { code: "failed", text: "this camera has one stream only" } };
    await w.live.choose("sub");
    expect(w.live.quality.value).toBe("main");
    expect(w.live.qualityRefused.value).toBe("this camera has one stream only");
    w.peer().become("closed");
    await w.pass(1_500);
    await w.connect();
    w.peer().channel.open();
    await w.pass(0);
    expect(w.peer().channel.sent).toMatchObject([{ type: "ping" }, { type: "quality", quality: "main" }]);
  });

  it("offers no quality where the gateway does not answer", async () => {
    await w.startAndConnect();
    w.peer().channel.replies = {};
    w.peer().channel.open();
    await w.pass(20_000);
    expect(w.live.quality.value).toBeUndefined();
  });

  it("rests when nobody has looked for a minute, and goes on when somebody does", async () => {
    await w.startAndConnect();
    w.page.show(false);
    await w.pass(59_000);
    expect(w.name()).toBe("live");
    w.page.show(true);
    w.page.show(false);
    await w.pass(59_000);
    expect(w.name()).toBe("live");
    await w.pass(2_000);
    expect(w.name()).toBe("paused");
    expect(w.peer().closed).toBe(true);
    expect(w.element.srcObject).not.toBeNull(); // the last picture stays
    await w.pass(600_000);
    expect(w.asked).toBe(1);
    w.page.show(true);
    await w.pass(0);
    await w.connect();
    expect(w.name()).toBe("live");
    // Seen in a window of its own, it goes on.
    w.apart = true;
    w.page.show(false);
    await w.pass(600_000);
    expect(w.name()).toBe("live");
  });

  it("starts silent, and stays so where sound is not allowed", async () => {
    await w.startAndConnect();
    expect(w.element.muted && w.behind.muted).toBe(true);
    w.live.mute(false);
    expect(w.element.muted || w.behind.muted).toBe(false);
    w.element.refusesSound = true;
    w.peer().become("closed");
    await w.pass(1_500);
    await w.connect();
    await w.pass(0);
    expect(w.element.muted).toBe(true);
    expect(w.element.paused).toBe(false);
  });

  it("shows another camera, and nothing of the one before", async () => {
    await w.startAndConnect();
    const first = w.peer();
    w.live.start("home.garden");
    expect(first.closed).toBe(true);
    expect(w.element.srcObject).toBeNull();
    expect(w.live.join.value).toEqual({});
    await w.pass(0);
    await w.connect();
    expect(w.name()).toBe("live");
  });
});
