import { decode, encode, type Action, type Incoming } from "./message";

/** Messages kept until there is a connection; more means that something loops. */
const MOST_WAITING = 64;

/** How long a connection may take to open, in milliseconds. */
const PATIENCE = 10_000;

/** Tries in a row to connect again, and what lies between them, in milliseconds. */
const WAITS = [500, 2_000, 5_000];

/** A connection that lasts as long, in milliseconds, was none that failed. */
const LASTING = 10_000;

/** WebSocket.OPEN. */
const OPEN = 1;

export interface SignalingOptions {
  url: string;
  /** Until when the address serves, in milliseconds since 1970; what is connected then stays so. */
  until: number;
  open: (url: string) => WebSocket;
  now: () => number;
  /** Each time a connection has opened. */
  onOpen: () => void;
  onMessage: (message: Incoming) => void;
  /** There is no connection, and this address leads to none any more. */
  onGone: () => void;
}

/**
 * A viewer's connection to a signaling channel. It is made anew when it breaks
 * or the service wants it, as long as its address serves; a connection between
 * the peers lives on without it.
 */
export class Signaling {
  #socket: WebSocket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #openedAt = Infinity;
  #gone = false;
  #waiting: string[] = [];

  constructor(private readonly options: SignalingOptions) {
    this.#connect();
  }

  /** Whether what is sent now will get there, as far as can be known. */
  get usable(): boolean {
    return !this.#gone;
  }

  send(action: Action, payload: object, correlationId?: string): void {
    const text = encode(action, payload, correlationId);
    if (this.#socket?.readyState === OPEN) this.#socket.send(text);
    else if (!this.#gone && this.#waiting.length < MOST_WAITING) this.#waiting.push(text);
  }

  close(): void {
    this.#gone = true;
    this.#drop();
    this.#waiting = [];
  }

  #connect(): void {
    this.#drop();
    let socket: WebSocket;
    try {
      socket = this.options.open(this.options.url);
    } catch {
      return this.#lost(); // not allowed to, by the page's own policy
    }
    this.#socket = socket;
    // Of a connection given up nothing more is heard.
    const current = (then: () => void) => () => this.#socket === socket && then();
    this.#timer = setTimeout(current(() => this.#lost()), PATIENCE);
    socket.onopen = current(() => {
      clearTimeout(this.#timer);
      this.#openedAt = this.options.now();
      for (const text of this.#waiting.splice(0)) socket.send(text);
      this.options.onOpen();
    });
    socket.onmessage = (event: MessageEvent<unknown>) => this.#socket === socket && this.#heard(event.data);
    socket.onclose = current(() => this.#lost());
  }

  #heard(data: unknown): void {
    const message = decode(data);
    if (!message) return;
    // Where the address has expired, this connection serves for as long as it is let.
    if (message.kind === "go-away") this.#serves() && this.#connect();
    else this.options.onMessage(message);
  }

  #lost(): void {
    this.#drop();
    if (this.options.now() - this.#openedAt > LASTING) this.#failures = 0;
    this.#openedAt = Infinity;
    const wait = WAITS[this.#failures++];
    if (wait === undefined || !this.#serves(wait)) {
      this.#gone = true;
      this.#waiting = [];
      return this.options.onGone();
    }
    this.#timer = setTimeout(() => this.#connect(), wait);
  }

  #serves(after = 0): boolean {
    return this.options.now() + after < this.options.until;
  }

  #drop(): void {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}
