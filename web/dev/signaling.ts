import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { LiveSession } from "../src/api/types";
import { Socket } from "./websocket";

/** Messages that mean nothing, as the real service sends them now and then, and some that nobody should send. */
const GARBAGE = ["", "{", "[]", "null", '{"messageType":"SDP_ANSWER"}', '{"messageType":"SDP_ANSWER","messagePayload":"%%%"}',
  '{"messageType":"SDP_ANSWER","messagePayload":"bnVsbA=="}', '{"messageType":"ICE_CANDIDATE","messagePayload":"e30="}', '{"messageType":"WHAT"}'];

interface Sent {
  action?: string;
  messagePayload?: string;
  recipientClientId?: string;
  correlationId?: string;
}

/**
 * Signaling channels as Kinesis Video Streams has them: one master and some
 * viewers each, whose messages are passed on. The master is a page of its own, /gateway.
 */
export class MockSignaling {
  /** Where channels are served, when not by the mock's own server. */
  origin: string | undefined;
  /** Before each message to a viewer comes nonsense. */
  garbage = false;
  /** What viewers sent that is not as the service wants it. */
  readonly wrong: string[] = [];
  /** Offers so far. */
  offers = 0;
  /** Connections of viewers so far. */
  connected = 0;

  #held: (() => void)[] | undefined;
  readonly #masters = new Map<string, Socket>();
  readonly #viewers = new Map<string, { channel: string; socket: Socket }>();
  readonly #sessions = new Map<string, { channel: string; client: string }>();

  session(camera: string, url: URL): LiveSession {
    const [token, client] = [randomBytes(8).toString("hex"), `viewer-${randomBytes(4).toString("hex")}`];
    this.#sessions.set(token, { channel: camera, client });
    const at = (this.origin ?? url.origin).replace(/^http/, "ws");
    return {
      channel: camera,
      client_id: client,
      url: `${at}/signaling?token=${token}&X-Amz-ClientId=${client}`,
      expires_at: new Date(Date.now() + 299_000).toISOString(),
      ice_servers: [],
    };
  }

  /** Keeps what is for masters back, as the service does for a while when there is none. */
  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    for (const deliver of this.#held ?? []) deliver();
    this.#held = undefined;
  }

  /** Of viewers, those connected now. */
  get watching(): number {
    return this.#viewers.size;
  }

  /** Whether a camera has its master. */
  served(camera: string): boolean {
    return this.#masters.has(camera);
  }

  /** Tells all viewers something by the service itself. */
  announce(messageType: string): void {
    for (const { socket } of this.#viewers.values()) socket.send(JSON.stringify({ messageType, messagePayload: "", senderClientId: "" }));
  }

  /** Cuts all viewers off; their addresses lead nowhere any more. */
  cut(): void {
    this.#sessions.clear();
    for (const { socket } of [...this.#viewers.values()]) socket.close();
  }

  /** Lets go of everybody. */
  close(): void {
    this.cut();
    for (const socket of [...this.#masters.values()]) socket.close();
  }

  /** Takes a connection if it is one for signaling; says whether it was. */
  upgrade(req: IncomingMessage, stream: Duplex): boolean {
    const url = new URL(req.url ?? "/", "http://host");
    if (url.pathname !== "/signaling") return false;
    const master = url.searchParams.get("master");
    const session = this.#sessions.get(url.searchParams.get("token") ?? "");
    if (master) this.#master(master, Socket.accept(req, stream));
    else if (session) this.#viewer(session.channel, session.client, Socket.accept(req, stream));
    else stream.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n");
    return true;
  }

  #master(channel: string, socket: Socket): void {
    this.#masters.get(channel)?.close();
    this.#masters.set(channel, socket);
    socket.onClose = () => this.#masters.get(channel) === socket && this.#masters.delete(channel);
    socket.onText = (text) => {
      const { action, messagePayload, recipientClientId } = JSON.parse(text) as Sent;
      const viewer = this.#viewers.get(recipientClientId ?? "")?.socket;
      if (this.garbage) for (const nonsense of GARBAGE) viewer?.send(nonsense);
      // Without senderClientId, as the real one does.
      viewer?.send(JSON.stringify({ messageType: action, messagePayload }));
    };
  }

  #viewer(channel: string, client: string, socket: Socket): void {
    this.#viewers.get(client)?.socket.close();
    this.#viewers.set(client, { channel, socket });
    this.connected++;
    socket.onClose = () => this.#viewers.get(client)?.socket === socket && this.#viewers.delete(client);
    socket.onText = (text) => {
      const { action, messagePayload, recipientClientId, correlationId } = JSON.parse(text) as Sent;
      if (recipientClientId !== undefined) this.wrong.push("a viewer names a recipient");
      if ((messagePayload?.length ?? 0) > 10_000) this.wrong.push(`a payload of ${messagePayload?.length}`);
      if (action === "SDP_OFFER") this.offers++;
      else if (action !== "ICE_CANDIDATE") this.wrong.push(`the action ${action}`);
      const message = JSON.stringify({ messageType: action, messagePayload, senderClientId: client, correlationId });
      const deliver = () => this.#masters.get(channel)?.send(message);
      if (this.#held) this.#held.push(deliver);
      else deliver();
    };
  }
}
