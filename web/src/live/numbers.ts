/** What can be told of a connection, from RTCPeerConnection.getStats: https://www.w3.org/TR/webrtc-stats/ */
export interface Numbers {
  /** Of sound and picture, so far. */
  packets: number;
  bytes: number;
  /** Milliseconds since the page began, when this was so. */
  at: number;
  frames: number;
  width: number;
  height: number;
  /** Pictures a second. */
  rate: number;
  bitsPerSecond: number;
  lost: number;
  /** Milliseconds; absent when not measured. */
  trip?: number;
  /** How long pictures are held back so that they come evenly, in milliseconds. */
  buffer?: number;
  relayed?: boolean;
  codec?: string;
}

type Entry = Record<string, unknown> & { id: string; type: string; timestamp: number };

/** Sums a report up; before is the one before, for what is counted per second. */
export function numbersOf(report: RTCStatsReport, before?: Numbers): Numbers {
  const entries = new Map<string, Entry>();
  report.forEach((entry: Entry) => entries.set(entry.id, entry));
  const all = [...entries.values()];
  const inbound = all.filter(({ type }) => type === "inbound-rtp");
  const video = inbound.find(({ kind }) => kind === "video");
  const pair = all.find(({ type, nominated, state }) => type === "candidate-pair" && nominated === true && state === "succeeded");
  const sum = (name: string) => inbound.reduce((total, entry) => total + number(entry[name]), 0);

  const numbers: Numbers = {
    packets: sum("packetsReceived"),
    bytes: sum("bytesReceived"),
    at: video?.timestamp ?? 0,
    frames: number(video?.framesDecoded),
    width: number(video?.frameWidth),
    height: number(video?.frameHeight),
    rate: number(video?.framesPerSecond),
    bitsPerSecond: 0,
    lost: sum("packetsLost"),
  };
  const seconds = before ? (numbers.at - before.at) / 1000 : 0;
  if (before && seconds > 0) {
    numbers.bitsPerSecond = Math.max(0, ((numbers.bytes - before.bytes) * 8) / seconds);
    numbers.rate ||= Math.max(0, (numbers.frames - before.frames) / seconds);
  }
  const trip = pair?.currentRoundTripTime;
  if (typeof trip === "number") numbers.trip = trip * 1000;
  const emitted = number(video?.jitterBufferEmittedCount);
  if (emitted > 0) numbers.buffer = (number(video?.jitterBufferDelay) / emitted) * 1000;
  const [local, remote] = [pair?.localCandidateId, pair?.remoteCandidateId].map((id) => entries.get(String(id))?.candidateType);
  if (local) numbers.relayed = local === "relay" || remote === "relay";
  const codec = entries.get(String(video?.codecId))?.mimeType;
  if (typeof codec === "string") numbers.codec = codec.replace("video/", "");
  return numbers;
}

const number = (value: unknown): number => (typeof value === "number" && Number.isFinite(value) ? value : 0);
