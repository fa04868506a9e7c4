import { isRecord } from "../lib/http";

/**
 * The messages between a viewer and a signaling channel of Kinesis Video
 * Streams, as JSON with their payload in base64:
 * https://docs.aws.amazon.com/kinesisvideostreams-webrtc-dg/latest/devguide/kvswebrtc-websocket-apis.html
 */

/** What a viewer sends. */
export type Action = "SDP_OFFER" | "ICE_CANDIDATE";

/** What a viewer makes of what it receives. */
export type Incoming =
  | { kind: "answer"; description: RTCSessionDescriptionInit }
  | { kind: "candidate"; candidate: RTCIceCandidateInit }
  /** The service is about to close this connection to it. */
  | { kind: "go-away" }
  /** The relays in use are about to go. */
  | { kind: "renew-relays" }
  /** A message of ours was turned down; about is its correlation id. */
  | { kind: "status"; about: string; code: string; text: string };

/** Longer ones are not from the service, whose limit is 10 KB of payload. */
const LONGEST = 64 * 1024;

/** A message to the master; with a correlation id the service tells of failures. */
export function encode(action: Action, payload: object, correlationId?: string): string {
  return JSON.stringify({
    action,
    messagePayload: toBase64(JSON.stringify(payload)),
    ...(correlationId ? { correlationId } : {}),
  });
}

/** Undefined for what is no message, which the real service sends too and is to be ignored. */
export function decode(data: unknown): Incoming | undefined {
  const message = typeof data === "string" && data.length <= LONGEST ? parse(data) : undefined;
  if (!message) return undefined;
  switch (message.messageType) {
    case "SDP_ANSWER": {
      const { type, sdp } = payloadOf(message) ?? {};
      return type === "answer" && typeof sdp === "string" ? { kind: "answer", description: { type, sdp } } : undefined;
    }
    case "ICE_CANDIDATE": {
      const payload = payloadOf(message);
      return payload && typeof payload.candidate === "string" ? { kind: "candidate", candidate: payload } : undefined;
    }
    case "GO_AWAY":
      return { kind: "go-away" };
    case "RECONNECT_ICE_SERVER":
      return { kind: "renew-relays" };
    case "STATUS_RESPONSE": {
      const status = message.statusResponse;
      if (!isRecord(status)) return undefined;
      const text = (value: unknown) => (typeof value === "string" || typeof value === "number" ? String(value).slice(0, 300) : "");
      return { kind: "status", about: text(status.correlationId), code: text(status.statusCode), text: text(status.description) };
    }
    default:
      return undefined;
  }
}

/** Why a gateway of Porchlight turned an offer down: a code and words; undefined when it did not. */
export function refusalIn(sdp: string): { code: string; text: string } | undefined {
  const said = /^a=x-porchlight-refused:(\S{1,32}) ?(.{0,300})/m.exec(sdp);
  if (said) return { code: said[1] ?? "", text: (said[2] ?? "").trim() };
  // Of another master: a video section that is turned down has port 0.
  return /^m=video 0 /m.test(sdp) ? { code: "", text: "" } : undefined;
}

function payloadOf({ messagePayload }: Record<string, unknown>): Record<string, unknown> | undefined {
  try {
    return typeof messagePayload === "string" ? parse(fromBase64(messagePayload)) : undefined;
  } catch {
    return undefined;
  }
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const toBase64 = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

const fromBase64 = (text: string): string => new TextDecoder().decode(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)));
