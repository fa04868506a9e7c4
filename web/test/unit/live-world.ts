import { expect, vi } from "vitest";
import { ApiError } from "../../src/api/client";
import type { LiveSession } from "../../src/api/types";
import { Live } from "../../src/live/live";
import type { Opening } from "../../src/playback/engine";
import { FakePage } from "./helpers";
import { FakePeer, FakeSocket, FakeStream, FakeVideo } from "./live-fakes";

export const START = Date.UTC(2026, 0, 5, 12);
export const noLive = new ApiError(404, { title: "The camera cannot be seen live just now" }, "no-live");

export const last = <T,>(list: T[]): T => list.at(-1) as T;

/** Live view among fakes, whose time goes by when it is told to. */
export class LiveWorld {
  page = new FakePage();
  element = new FakeVideo();
  behind = new FakeVideo();
  sockets: FakeSocket[] = [];
  peers: FakePeer[] = [];
  openings: Opening[] = [];
  asked = 0;
  fails: Error | undefined;
  life = 299_000;
  network = new Set<() => void>();
  apart = false;
  live: Live;

  constructor() {
    vi.useFakeTimers({ now: START });
    this.live = new Live({
      ask: async (camera, signal) => {
        this.asked++;
        await Promise.resolve();
        if (signal.aborted) throw new DOMException("abandoned", "AbortError");
        if (this.fails) throw this.fails;
        return this.session(camera);
      },
      askBehind: async (camera) => ({ protocol: "hls", url: `https://video.example/${camera}`, expires_at: new Date(START).toISOString() }),
      openEngine: async (opening) => {
        this.openings.push(opening);
        return { pieces: () => [{ start: 0, date: Date.now() - 8_000, length: 60_000 }], live: () => true, resume() {}, stop() {} };
      },
      page: this.page,
      openSocket: (url) => {
        const socket = new FakeSocket(url);
        this.sockets.push(socket);
        return socket as unknown as WebSocket;
      },
      newPeer: (configuration) => {
        const peer = new FakePeer(configuration);
        this.peers.push(peer);
        return peer as unknown as RTCPeerConnection;
      },
      newStream: () => new FakeStream() as unknown as MediaStream,
      onNetwork: (callback) => {
        this.network.add(callback);
        return () => this.network.delete(callback);
      },
      seenApart: () => this.apart,
      now: Date.now,
      clock: () => performance.now(),
      random: () => 0.5,
    });
    this.live.attach(this.element as unknown as HTMLVideoElement, this.behind as unknown as HTMLVideoElement);
  }

  /** Checks that nothing is left of anything. */
  end = () => {
    this.live.dispose();
    expect(vi.getTimerCount()).toBe(0);
    expect(this.page.watchers).toBe(0);
    expect(this.network.size).toBe(0);
    expect(this.peers.every(({ closed }) => closed)).toBe(true);
    expect(this.sockets.every(({ closed }) => closed)).toBe(true);
    expect(this.peers.flatMap((peer) => peer.getTransceivers()).every(({ receiver }) => receiver.track.stopped)).toBe(true);
    expect(this.element.srcObject).toBeNull();
    vi.useRealTimers();
  };

  session = (camera: string): LiveSession => ({
    channel: camera,
    client_id: `viewer-${this.asked}`,
    url: `wss://signaling.example/?client=${this.asked}`,
    expires_at: new Date(Date.now() + this.life).toISOString(),
    ice_servers: [{ urls: ["stun:stun.example:443"] }, { urls: ["javascript:alert(1)"] }, { urls: ["turns:turn.example:443"], username: "u", credential: "c" }],
  });

  pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
  name = () => this.live.state.value.name;
  socket = () => last(this.sockets);
  peer = () => last(this.peers);

  /** Lets time pass until something is so. */
  until = async (so: () => boolean) => {
    for (let i = 0; i < 6_000 && !so(); i++) await this.pass(100);
    expect(so()).toBe(true);
  };

  start = async () => {
    this.live.start("home.door");
    await this.pass(0);
  };

  /** The rest of the way to a picture, of the newest connection. */
  connect = async () => {
    this.peer().look ??= this.flowing;
    this.socket().open();
    await this.pass(10);
    this.socket().answer();
    await this.pass(10);
    this.peer().become("connected");
    await this.pass(10);
    this.element.picture();
  };

  flowing = function (this: FakePeer): void {
    this.packets += 10;
  };

  still = (one: FakePeer) => (one.look = () => {});

  startAndConnect = async () => {
    await this.start();
    await this.connect();
    expect(this.name()).toBe("live");
  };
}
