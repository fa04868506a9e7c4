import type { Piece } from "./pieces";
import type { Span } from "./spans";

/**
 * Why playing broke off: the address is refused (it has expired), nothing
 * answers, this browser cannot decode it, or it is broken.
 */
export type Fault = "refused" | "unreachable" | "codec" | "broken";

export interface Opening {
  video: HTMLVideoElement;
  /** Of the playlist. */
  url: string;
  /** Time of the first picture to show, in milliseconds since 1970; absent for the beginning. */
  at: number | undefined;
  /** What is in the playlist, as far as the API says; times when the playlist tells none. */
  spans: readonly Span[];
  bounds: Span | undefined;
  /** The first picture is there. */
  onReady: () => void;
  onFault: (fault: Fault) => void;
}

/** Plays one playlist in a video element. */
export interface Engine {
  /** The playlist by the wall clock; empty while it is not loaded. */
  pieces(): readonly Piece[];
  /** Whether more is still being added. */
  live(): boolean;
  /** Goes on loading at once, because the network is back. */
  resume(): void;
  /** Lets go of the element, of all memory and of all requests. */
  stop(): void;
}

/** Undefined where the browser cannot play HLS at all. */
export type OpenEngine = (opening: Opening) => Promise<Engine | undefined>;

/**
 * Opens with what the browser has: HLS of its own where that tells the time of
 * a picture (Safari), else hls.js, which is loaded only then. Chromium plays HLS by
 * itself too, but without the pictures' times there is no seeking by the clock.
 */
export const openEngine: OpenEngine = async (opening) => {
  const { video } = opening;
  const own = video.canPlayType("application/vnd.apple.mpegurl") !== "";
  const sources = "MediaSource" in globalThis || "ManagedMediaSource" in globalThis;
  if (own && ("getStartDate" in video || !sources)) return (await import("./native")).openNative(opening);
  if (sources) return (await import("./hls")).openHls(opening);
  return undefined;
};
