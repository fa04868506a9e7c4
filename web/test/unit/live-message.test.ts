import { describe, expect, it } from "vitest";
import { decode, encode, refusalIn } from "../../src/live/message";

const payload = (value: unknown) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64");
const message = (messageType: string, value?: unknown, more: object = {}) =>
  JSON.stringify({ messageType, ...(value === undefined ? {} : { messagePayload: payload(value) }), ...more });

describe("messages of a signaling channel", () => {
  it("are sent as the service takes them from a viewer", () => {
    const sent = JSON.parse(encode("SDP_OFFER", { type: "offer", sdp: "v=0 é" }, "offer-1")) as Record<string, string>;
    expect(Object.keys(sent)).toEqual(["action", "messagePayload", "correlationId"]);
    expect(sent).toMatchObject({ action: "SDP_OFFER", correlationId: "offer-1" });
    expect(JSON.parse(Buffer.from(sent.messagePayload ?? "", "base64").toString())).toEqual({ type: "offer", sdp: "v=0 é" });
    expect(JSON.parse(encode("ICE_CANDIDATE", {}))).toEqual({ action: "ICE_CANDIDATE", messagePayload: payload("{}") });
  });

  it("are understood, with and without a sender", () => {
    const answer = { type: "answer", sdp: "v=0\r\ns=é\r\n" };
    expect(decode(message("SDP_ANSWER", answer))).toEqual({ kind: "answer", description: answer });
    expect(decode(message("SDP_ANSWER", answer, { senderClientId: "MASTER" }))).toEqual({ kind: "answer", description: answer });
    const candidate = { candidate: "candidate:1 1 udp 1 192.0.2.1 9 typ host", sdpMid: "0", sdpMLineIndex: 0 };
    expect(decode(message("ICE_CANDIDATE", candidate))).toEqual({ kind: "candidate", candidate });
    expect(decode(message("GO_AWAY"))).toEqual({ kind: "go-away" });
    expect(decode(message("RECONNECT_ICE_SERVER", ""))).toEqual({ kind: "renew-relays" });
    const statusResponse = { correlationId: "offer-1", errorType: "InvalidArgument", statusCode: 400, description: "too large" };
    expect(decode(message("STATUS_RESPONSE", undefined, { statusResponse }))).toEqual({
      kind: "status", about: "offer-1", code: "400", text: "too large",
    });
  });

  it.each([
    undefined, null, 7, new ArrayBuffer(8), "", " ", "{", "null", "[]", '"x"', "{}", message("WHAT", {}), message("SDP_ANSWER"), message("SDP_ANSWER", "null"),
    message("SDP_ANSWER", { type: "offer", sdp: "v=0" }), message("SDP_ANSWER", { type: "answer" }), message("SDP_ANSWER", { type: "answer", sdp: 7 }),
    '{"messageType":"SDP_ANSWER","messagePayload":"%%%"}', '{"messageType":"SDP_ANSWER","messagePayload":7}',
    message("ICE_CANDIDATE", {}), message("ICE_CANDIDATE", { candidate: null }), message("STATUS_RESPONSE"), message("STATUS_RESPONSE", {}, { statusResponse: [] }),
    message("SDP_ANSWER", { type: "answer", sdp: "x".repeat(80_000) }),
  ])("that mean nothing are none: %#", (data) => expect(decode(data)).toBeUndefined());

  it("survive anything", () => {
    // A small generator of its own, so that a failure can be repeated.
    let seed = 42;
    const next = (n: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % n;
    const good = [message("SDP_ANSWER", { type: "answer", sdp: "v=0" }), message("ICE_CANDIDATE", { candidate: "c" }), message("GO_AWAY")];
    for (let i = 0; i < 5_000; i++) {
      const text = [...(good[next(good.length)] ?? "")];
      for (let k = next(6); k >= 0; k--) text.splice(next(text.length + 1), next(3), String.fromCharCode(next(256)));
      expect(() => decode(text.join(""))).not.toThrow();
    }
  });
});

describe("an answer that refuses", () => {
  it.each([
    ["v=0\r\na=x-porchlight-refused:full 10 viewers are watching\r\nm=video 0 X 96\r\n", { code: "full", text: "10 viewers are watching" }],
    ["v=0\na=x-porchlight-refused:private\nm=video 0 X 96\n", { code: "private", text: "" }],
    ["v=0\r\nm=audio 9 X 0\r\nm=video 0 X 96\r\n", { code: "", text: "" }],
    ["v=0\r\nm=audio 0 X 0\r\nm=video 9 X 96\r\n", undefined],
    ["", undefined],
  ])("%j", (sdp, want) => expect(refusalIn(sdp)).toEqual(want));
});
