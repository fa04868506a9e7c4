import { isRecord } from "../lib/http";

/** How long a reply may take, in milliseconds; the gateway gives a command 10 s. */
const PATIENCE = 12_000;

const MOST_PENDING = 16;
const LONGEST = 64 * 1024;

/** What the gateway tells of by itself. */
export interface Status {
  state: "live" | "waiting" | "ended";
  /** Why it has ended. */
  code: string;
  text: string;
  /** The stream that is sent: main or sub. */
  quality: string;
}

/** The gateway did not do it; its message is for people. */
export class Refusal extends Error {
  constructor(
    readonly code: string,
    text: string,
  ) {
    super(text);
  }
}

type Channel = Pick<RTCDataChannel, "readyState" | "send" | "onopen" | "onclose" | "onmessage">;

interface Pending {
  resolve: (result: unknown) => void;
  reject: (error: Refusal) => void;
  timer: ReturnType<typeof setTimeout>;
}

/**
 * Asks the gateway for things over a data channel: {"v":1,"type":"quality","id":"2",…}
 * is answered by {"v":1,"type":"reply","to":"quality","id":"2","ok":true,"result":…}
 * or one with an error instead, of a code and a text.
 */
export class Commands {
  readonly #pending = new Map<string, Pending>();
  #count = 0;

  constructor(
    private readonly channel: Channel,
    private readonly told: { open: () => void; status: (status: Status) => void },
  ) {
    channel.onopen = () => told.open();
    channel.onmessage = (event: MessageEvent<unknown>) => this.#heard(event.data);
    channel.onclose = () => this.close();
  }

  /** Resolves to what the gateway replies; rejects with a Refusal. */
  ask(type: string, body: Record<string, unknown> = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.channel.readyState !== "open") return reject(new Refusal("closed", "There is no connection."));
      if (this.#pending.size >= MOST_PENDING) return reject(new Refusal("rate", "Too much was asked at once."));
      const id = String(++this.#count);
      const timer = setTimeout(() => this.#take(id)?.reject(new Refusal("timeout", "There was no answer.")), PATIENCE);
      this.#pending.set(id, { resolve, reject, timer });
      this.channel.send(JSON.stringify({ ...body, v: 1, type, id }));
    });
  }

  close(): void {
    this.channel.onopen = this.channel.onmessage = this.channel.onclose = null;
    for (const id of [...this.#pending.keys()]) this.#take(id)?.reject(new Refusal("closed", "The connection has ended."));
  }

  #heard(data: unknown): void {
    const message = messageIn(data);
    if (message?.type === "status") {
      const { state } = message;
      if (state !== "live" && state !== "waiting" && state !== "ended") return;
      this.told.status({ state, code: text(message.code), text: text(message.text), quality: text(message.quality) });
    }
    if (message?.type !== "reply") return;
    const pending = this.#take(text(message.id));
    if (message.ok === true) pending?.resolve(message.result);
    else {
      const error = isRecord(message.error) ? message.error : {};
      pending?.reject(new Refusal(text(error.code), text(error.text)));
    }
  }

  #take(id: string): Pending | undefined {
    const pending = this.#pending.get(id);
    if (pending) clearTimeout(pending.timer);
    this.#pending.delete(id);
    return pending;
  }
}

const text = (value: unknown): string => (typeof value === "string" ? value.slice(0, 300) : "");

function messageIn(data: unknown): Record<string, unknown> | undefined {
  if (typeof data !== "string" || data.length > LONGEST) return undefined;
  try {
    const message: unknown = JSON.parse(data);
    return isRecord(message) && message.v === 1 ? message : undefined;
  } catch {
    return undefined;
  }
}
