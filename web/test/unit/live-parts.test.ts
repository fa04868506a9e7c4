import { describe, expect, it } from "vitest";
import { numbersOf } from "../../src/live/numbers";
import { snapshotName } from "../../src/live/snapshot";

describe("numbersOf", () => {
  const report = (entries: object[]): RTCStatsReport =>
    new Map(entries.map((entry) => [(entry as { id: string }).id, entry])) as unknown as RTCStatsReport;
  const entries = (at: number, bytes: number) => [
    { id: "v", type: "inbound-rtp", kind: "video", timestamp: at, packetsReceived: 90, bytesReceived: bytes, packetsLost: 2, framesDecoded: 30,
      framesPerSecond: 25, frameWidth: 1920, frameHeight: 1080, jitterBufferDelay: 3, jitterBufferEmittedCount: 60, codecId: "c" },
    { id: "a", type: "inbound-rtp", kind: "audio", timestamp: at, packetsReceived: 10, bytesReceived: 0, packetsLost: 1 },
    { id: "c", type: "codec", mimeType: "video/H264" },
    { id: "p", type: "candidate-pair", nominated: true, state: "succeeded", currentRoundTripTime: 0.024, localCandidateId: "l", remoteCandidateId: "r" },
    { id: "q", type: "candidate-pair", nominated: false, state: "failed", localCandidateId: "r" },
    { id: "l", type: "local-candidate", candidateType: "relay" },
    { id: "r", type: "remote-candidate", candidateType: "host" },
  ];

  it("sums up what is received, and counts per second against the time before", () => {
    const first = numbersOf(report(entries(1_000, 100_000)));
    expect(first).toEqual({
      packets: 100, bytes: 100_000, at: 1_000, frames: 30, width: 1920, height: 1080, rate: 25, bitsPerSecond: 0,
      lost: 3, trip: 24, buffer: 50, relayed: true, codec: "H264",
    });
    expect(numbersOf(report(entries(3_000, 600_000)), first).bitsPerSecond).toBe(2_000_000);
  });

  it("makes nothing up of what is not told", () => {
    const none = { packets: 0, bytes: 0, at: 0, frames: 0, width: 0, height: 0, rate: 0, bitsPerSecond: 0, lost: 0 };
    expect(numbersOf(report([]))).toEqual(none);
    expect(numbersOf(report([{ id: "v", type: "inbound-rtp", kind: "video", bytesReceived: "many", packetsReceived: NaN }]), none)).toEqual(none);
  });
});

describe("snapshotName", () => {
  it.each([
    ["home.front-door", "front-door-2026-01-05-09-03-07.jpg"],
    ["home.a b/c", "a-b-c-2026-01-05-09-03-07.jpg"],
    ["door", "door-2026-01-05-09-03-07.jpg"],
  ])("%s", (camera, want) => expect(snapshotName(camera, new Date(2026, 0, 5, 9, 3, 7))).toBe(want));
});
