/** As much of a browser's WebSocket as the app touches. */
export class FakeSocket {
  readyState = 0;
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  readonly sent: { action: string; payload: Record<string, unknown>; correlationId?: string }[] = [];
  closed = false;

  constructor(readonly url: string) {}

  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }
  send(text: string): void {
    const { action, messagePayload, correlationId } = JSON.parse(text) as { action: string; messagePayload: string; correlationId?: string };
    const payload = JSON.parse(Buffer.from(messagePayload, "base64").toString()) as Record<string, unknown>;
    this.sent.push({ action, payload, ...(correlationId ? { correlationId } : {}) });
  }
  close(): void {
    this.closed = true;
    this.readyState = 3;
  }
  /** The other side hangs up. */
  drop(): void {
    this.readyState = 3;
    this.onclose?.();
  }
  hear(messageType: string, payload: unknown = {}, more: object = {}): void {
    const messagePayload = Buffer.from(JSON.stringify(payload)).toString("base64");
    this.onmessage?.({ data: JSON.stringify({ messageType, messagePayload, ...more }) });
  }
  answer(sdp = "v=0\r\nm=video 9 X 96\r\n"): void {
    this.hear("SDP_ANSWER", { type: "answer", sdp });
  }
}

export class FakeTrack extends EventTarget {
  muted = false;
  stopped = false;
  constructor(readonly kind: string) {
    super();
  }
  stop(): void {
    this.stopped = true;
  }
}

export class FakeStream {
  readonly tracks: FakeTrack[] = [];
  addTrack(track: FakeTrack): void {
    this.tracks.push(track);
  }
  getVideoTracks(): FakeTrack[] {
    return this.tracks.filter(({ kind }) => kind === "video");
  }
}

export class FakeChannel {
  readyState = "connecting";
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  readonly sent: Record<string, unknown>[] = [];
  /** Types that are answered, and how. */
  replies: Record<string, object> = { ping: { ok: true }, quality: { ok: true } };

  open(): void {
    this.readyState = "open";
    this.onopen?.();
  }
  send(text: string): void {
    const message = JSON.parse(text) as { type: string; id: string };
    this.sent.push(message);
    const reply = this.replies[message.type];
    if (reply) queueMicrotask(() => this.hear({ type: "reply", to: message.type, id: message.id, ...reply }));
  }
  hear(message: object): void {
    this.onmessage?.({ data: JSON.stringify({ v: 1, ...message }) });
  }
}

/** A peer connection that does what it is told. */
export class FakePeer {
  connectionState = "new";
  signalingState = "stable";
  remoteDescription: unknown = null;
  ontrack: ((event: { track: FakeTrack }) => void) | null = null;
  onicecandidate: ((event: { candidate: unknown }) => void) | null = null;
  onconnectionstatechange: (() => void) | null = null;
  configuration: RTCConfiguration;
  closed = false;
  packets = 0;
  decodes = true;
  /** How long it takes to go by an offer of its own, in milliseconds. */
  slow = 0;
  refusesAnswers = false;
  readonly channel = new FakeChannel();
  readonly candidates: unknown[] = [];
  readonly offers: object[] = [];
  readonly #transceivers: { receiver: { track: FakeTrack }; currentDirection: string | null }[] = [];

  constructor(configuration: RTCConfiguration) {
    this.configuration = configuration;
  }
  addTransceiver(kind: string): void {
    this.#transceivers.push({ receiver: { track: new FakeTrack(kind) }, currentDirection: null });
  }
  getTransceivers() {
    return this.#transceivers;
  }
  createDataChannel(): FakeChannel {
    return this.channel;
  }
  setConfiguration(configuration: RTCConfiguration): void {
    this.configuration = configuration;
  }
  async createOffer(options: object): Promise<object> {
    this.offers.push(options);
    return { type: "offer", sdp: `offer ${this.offers.length}` };
  }
  async setLocalDescription(): Promise<void> {
    if (this.slow > 0) await new Promise((resolve) => setTimeout(resolve, this.slow));
    this.signalingState = "have-local-offer";
  }
  async setRemoteDescription(description: unknown): Promise<void> {
    if (this.refusesAnswers) throw new Error("not like this");
    const first = this.remoteDescription === null;
    this.remoteDescription = description;
    this.signalingState = "stable";
    const video = this.#transceivers.find(({ receiver }) => receiver.track.kind === "video");
    if (video && first) {
      video.currentDirection = "recvonly";
      this.ontrack?.({ track: video.receiver.track });
    }
  }
  async addIceCandidate(candidate: unknown): Promise<void> {
    if (candidate === null || (candidate as { candidate: string }).candidate === "bad") throw new Error("no such way");
    this.candidates.push(candidate);
  }
  async getStats(): Promise<Map<string, object>> {
    this.look?.();
    const [timestamp, framesDecoded] = [performance.now(), this.decodes ? this.packets : 0];
    return new Map([["v", { id: "v", type: "inbound-rtp", kind: "video", timestamp, packetsReceived: this.packets, framesDecoded }]]);
  }
  /** Called before each look at the numbers. */
  look: (() => void) | undefined;
  close(): void {
    this.closed = true;
    this.connectionState = "closed";
  }
  become(state: string): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
}

/** As much of a video element as live view touches. */
export class FakeVideo extends EventTarget {
  srcObject: unknown = null;
  muted = true;
  paused = true;
  refusesSound = false;
  async play(): Promise<void> {
    if (this.refusesSound && !this.muted) throw new DOMException("no gesture", "NotAllowedError");
    this.paused = false;
  }
  pause(): void {
    this.paused = true;
  }
  picture(): void {
    this.dispatchEvent(new Event("loadeddata"));
  }
}
