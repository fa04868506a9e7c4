import type { LiveSession } from "../api/types";
import { isAbort } from "../lib/problem";
import { Commands, type Status } from "./commands";
import { blocked, endingOf, lost, noPicture, noWay, refused, silent, undecodable, unsupported, type Ending } from "./ending";
import { refusalIn, type Incoming } from "./message";
import { numbersOf } from "./numbers";
import { Signaling } from "./signaling";

/** What has to happen until there is a picture, in this order. */
export const PHASES = ["session", "signaling", "answer", "connect", "picture"] as const;
export type Phase = (typeof PHASES)[number];

/** How long a phase may take, in milliseconds, and what it means when it takes longer; the first has the API's own limit. */
const PATIENCE: Partial<Record<Phase, { most: number; then: Ending }>> = {
  signaling: { most: 10_000, then: blocked },
  answer: { most: 10_000, then: silent },
  connect: { most: 15_000, then: noWay },
  picture: { most: 10_000, then: noPicture },
};

/** How long a connection may be disturbed before its way is looked for anew, in milliseconds. */
const DISTURBED = 1_500;

/** How long that may take. */
const RESTART = 6_000;

/** Relays are renewed so long before the session's end, in milliseconds. */
const RENEWAL = 30_000;

/** The name that the SDKs of Kinesis Video Streams give a viewer's channel. */
const CHANNEL = "kvsDataChannel";

/** Candidates kept until the answer comes. */
const MOST_EARLY = 256;

/** What a connection is made of. */
export interface Ports {
  ask: (signal: AbortSignal) => Promise<LiveSession>;
  openSocket: (url: string) => WebSocket;
  newPeer: (configuration: RTCConfiguration) => RTCPeerConnection;
  newStream: () => MediaStream;
  /** Wall-clock milliseconds. */
  now: () => number;
}

export interface Told {
  /** A phase has begun. */
  phase: (phase: Phase) => void;
  /** There is video, or will be. */
  stream: (stream: MediaStream) => void;
  /** The gateway speaks the protocol of Commands. */
  open: () => void;
  status: (status: Status) => void;
  /** It is over; nothing is told after this. */
  ended: (ending: Ending) => void;
}

/** One viewer's connection to a camera, from asking for a way to it until it ends. */
export class Connection {
  commands: Commands | undefined;
  phase: Phase = "session";

  readonly #abort = new AbortController();
  #peer: RTCPeerConnection | undefined;
  #signaling: Signaling | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #disturbed: ReturnType<typeof setTimeout> | undefined;
  #renewal: ReturnType<typeof setTimeout> | undefined;
  #early: RTCIceCandidateInit[] = [];
  /** Offers made so far; an answer is for the newest. */
  #offers = 0;
  #restarting = false;
  /** Resolves when the newest offer is what this side goes by; its answer may be there before. */
  #offered: Promise<void> = Promise.resolve();
  /** Messages are taken one after the other, as they came. */
  #taken: Promise<void> = Promise.resolve();

  constructor(
    private readonly ports: Ports,
    private readonly told: Told,
  ) {}

  /** Once the video's first picture is on screen. */
  shown(): void {
    clearTimeout(this.#timer);
  }

  async start(): Promise<void> {
    this.told.phase("session");
    try {
      const asked = this.ports.ask(this.#abort.signal);
      asked.catch(() => {}); // heard below, unless there is no peer
      // The browser makes its part ready meanwhile.
      const peer = (this.#peer = this.#prepare());
      const session = await asked;
      if (this.#abort.signal.aborted) return;
      this.#enter("signaling");
      this.#relays(session);
      this.#renewLater(session);
      this.#signaling = new Signaling({
        url: session.url,
        until: Date.parse(session.expires_at),
        open: this.ports.openSocket,
        now: this.ports.now,
        onOpen: () => this.phase === "signaling" && this.#enter("answer"),
        onMessage: (message) => (this.#taken = this.#taken.then(() => this.#heard(message))),
        onGone: () => this.#unheard(),
      });
      await this.#offer(peer);
    } catch (error) {
      if (!isAbort(error)) this.#end(error instanceof NoPeer ? unsupported : endingOf(error));
    }
  }

  /** Looks for another way to the camera; false when it cannot be asked for one. */
  restart(): boolean {
    const peer = this.#peer;
    if (!peer?.remoteDescription || !this.#signaling?.usable) return false;
    if (this.#restarting) return true;
    this.#restarting = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#end(lost), RESTART);
    this.#offer(peer, { iceRestart: true }).catch(() => this.#end(lost));
    return true;
  }

  stats(): Promise<RTCStatsReport> | undefined {
    return this.#abort.signal.aborted ? undefined : this.#peer?.getStats();
  }

  /** Whether the camera sends sound. */
  get sound(): boolean {
    const audio = this.#peer?.getTransceivers().find(({ receiver }) => receiver.track.kind === "audio");
    return audio?.currentDirection === "recvonly" || audio?.currentDirection === "sendrecv";
  }

  close(): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    for (const timer of [this.#timer, this.#disturbed, this.#renewal]) clearTimeout(timer);
    this.commands?.close();
    this.#signaling?.close();
    const peer = this.#peer;
    if (!peer) return;
    peer.ontrack = peer.onicecandidate = peer.onconnectionstatechange = null;
    for (const { receiver } of peer.getTransceivers()) receiver.track.stop();
    peer.close();
  }

  #end(ending: Ending): void {
    if (this.#abort.signal.aborted) return;
    this.close();
    this.told.ended(ending);
  }

  #enter(phase: Phase): void {
    this.phase = phase;
    this.told.phase(phase);
    clearTimeout(this.#timer);
    const patience = PATIENCE[phase];
    if (!patience) return;
    this.#timer = setTimeout(() => {
      if (phase === "picture") void this.#noPicture(patience.then);
      else this.#end(patience.then);
    }, patience.most);
  }

  async #noPicture(otherwise: Ending): Promise<void> {
    const report = await this.stats()?.catch(() => undefined);
    const { packets = 0, frames = 0 } = report ? numbersOf(report) : {};
    this.#end(packets > 0 && frames === 0 ? undecodable : otherwise);
  }

  #prepare(): RTCPeerConnection {
    let peer: RTCPeerConnection;
    try {
      peer = this.ports.newPeer({ bundlePolicy: "max-bundle" });
    } catch {
      throw new NoPeer();
    }
    for (const kind of ["video", "audio"]) peer.addTransceiver(kind, { direction: "recvonly" });
    const channel = peer.createDataChannel(CHANNEL);
    this.commands = new Commands(channel, { open: this.told.open, status: (status) => this.#says(status) });
    // One stream of all there is; sound and picture are kept in step by what the master says of them.
    const stream = this.ports.newStream();
    peer.ontrack = ({ track }) => {
      stream.addTrack(track);
      if (track.kind === "video") this.told.stream(stream);
    };
    peer.onicecandidate = ({ candidate }) => {
      if (candidate?.candidate) this.#signaling?.send("ICE_CANDIDATE", candidate.toJSON());
    };
    peer.onconnectionstatechange = () => this.#changed(peer);
    return peer;
  }

  /** Relays that this browser does not take are left out; at home it goes without. */
  #relays({ ice_servers }: LiveSession): void {
    const iceServers = ice_servers.filter(({ urls }) => Array.isArray(urls) && urls.every((url) => /^(stun|turn)s?:/.test(url)));
    try {
      this.#peer?.setConfiguration({ bundlePolicy: "max-bundle", iceServers });
    } catch {
      // Without them, then.
    }
  }

  async #offer(peer: RTCPeerConnection, options: RTCOfferOptions = {}): Promise<void> {
    const offer = await peer.createOffer(options);
    if (this.#abort.signal.aborted) return;
    // The offer goes before its candidates, which are found from here on.
    this.#signaling?.send("SDP_OFFER", { type: offer.type, sdp: offer.sdp }, `offer-${++this.#offers}`);
    await (this.#offered = peer.setLocalDescription(offer));
  }

  async #heard(message: Incoming): Promise<void> {
    const peer = this.#peer;
    if (!peer || this.#abort.signal.aborted) return;
    switch (message.kind) {
      case "answer":
        return this.#answered(peer, message.description);
      case "candidate":
        if (!peer.remoteDescription) {
          if (this.#early.length < MOST_EARLY) this.#early.push(message.candidate);
        } else await this.#add(peer, message.candidate);
        return;
      case "renew-relays":
        void this.#renew();
        return;
      case "status":
        // Candidates may fail one by one; without its offer there is no connection.
        if (message.about === `offer-${this.#offers}` && !message.code.startsWith("2")) this.#end(refused("", message.text));
    }
  }

  async #answered(peer: RTCPeerConnection, description: RTCSessionDescriptionInit): Promise<void> {
    await this.#offered.catch(() => {});
    if (this.#abort.signal.aborted || peer.signalingState !== "have-local-offer") return; // the answer to an offer of before
    const refusal = refusalIn(description.sdp ?? "");
    if (refusal) return this.#end(refused(refusal.code, refusal.text));
    if (this.phase === "answer") this.#enter("connect");
    try {
      await peer.setRemoteDescription(description);
    } catch {
      return this.#end(refused("", "its answer cannot be used"));
    }
    for (const candidate of this.#early.splice(0)) await this.#add(peer, candidate);
    this.#changed(peer);
  }

  async #add(peer: RTCPeerConnection, candidate: RTCIceCandidateInit): Promise<void> {
    try {
      await peer.addIceCandidate(candidate);
    } catch {
      // One way less; there are others.
    }
  }

  #changed(peer: RTCPeerConnection): void {
    clearTimeout(this.#disturbed);
    switch (peer.connectionState) {
      case "connected":
        if (this.phase === "connect") this.#enter("picture");
        if (this.#restarting && peer.signalingState === "stable") {
          this.#restarting = false;
          clearTimeout(this.#timer);
        }
        return;
      case "disconnected":
        this.#disturbed = setTimeout(() => this.restart(), DISTURBED);
        return;
      case "failed":
        if (this.phase === "connect") return this.#end(noWay);
        if (!this.#restarting && !this.restart()) this.#end(lost);
        return;
      case "closed":
        this.#end(lost);
    }
  }

  #says(status: Status): void {
    if (status.state === "ended") this.#end(refused(status.code, status.text));
    else {
      // Connected, and it is the camera that has no picture: that may take its time.
      if (status.state === "waiting" && this.phase === "picture") clearTimeout(this.#timer);
      this.told.status(status);
    }
  }

  /** Signaling is gone for good; what is connected does without. */
  #unheard(): void {
    if (this.phase === "signaling" || this.phase === "answer") this.#end(blocked);
    else if (this.#restarting) this.#end(lost);
  }

  /** A session names relays by credentials that end with it. */
  #renewLater({ expires_at }: LiveSession): void {
    clearTimeout(this.#renewal);
    const wait = Date.parse(expires_at) - this.ports.now() - RENEWAL;
    if (wait > 0) this.#renewal = setTimeout(() => void this.#relayed().then((relayed) => (relayed ? this.#renew() : undefined)), wait);
  }

  async #relayed(): Promise<boolean> {
    const report = await this.stats()?.catch(() => undefined);
    const local = new Set<string>();
    for (const entry of report?.values() ?? []) {
      if (entry.type === "candidate-pair" && entry.nominated) local.add(entry.localCandidateId);
    }
    return [...(report?.values() ?? [])].some(({ id, candidateType }) => local.has(id) && candidateType === "relay");
  }

  async #renew(): Promise<void> {
    try {
      const session = await this.ports.ask(this.#abort.signal);
      if (this.#abort.signal.aborted) return;
      this.#relays(session);
      this.#renewLater(session);
      this.restart();
    } catch {
      // What is connected lasts as long as its relay does.
    }
  }
}

class NoPeer extends Error {}
