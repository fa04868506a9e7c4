import type { LiveSession, Playback } from "../api/types";
import type { PageWatch } from "../lib/poller";
import type { OpenEngine } from "../playback/engine";
import type { Phase, Ports } from "./connection";
import type { Ending } from "./ending";

export type LiveState =
  | { name: "closed" }
  | { name: "connecting"; phase: Phase }
  /** There was a picture; it stands still. */
  | { name: "reconnecting"; phase: Phase | undefined }
  | { name: "live" }
  /** Connected, but the camera sends nothing. */
  | { name: "waiting" }
  /** Nobody was looking. */
  | { name: "paused" }
  | { name: "failed"; ending: Ending };

export type Quality = "auto" | "main" | "sub";

/** When a phase was over, in milliseconds since the tap. */
export type Join = Partial<Record<Phase, number>>;

export interface LivePorts extends Omit<Ports, "ask"> {
  ask: (camera: string, signal: AbortSignal) => Promise<LiveSession>;
  /** What comes in from a camera, as a recording. */
  askBehind: (camera: string, signal: AbortSignal) => Promise<Playback>;
  openEngine: OpenEngine;
  page: PageWatch;
  /** Calls back when the device may be on another network. */
  onNetwork: (callback: () => void) => () => void;
  /** Whether the video is seen although the page is not, in a window of its own. */
  seenApart: () => boolean;
  /** Milliseconds that only ever go on. */
  clock: () => number;
  /** 0 to 1. */
  random: () => number;
}
