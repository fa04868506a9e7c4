import { ApiError } from "../api/client";
import { UnreachableError } from "../lib/http";
import { problemOf, SignedOutError, type Problem } from "../lib/problem";
import { live } from "./messages";

/** Why there is no live picture, as far as the app treats it differently. */
export type Kind =
  | "signed-out"
  /** The camera cannot be seen just now: it is offline or private. */
  | "no-live"
  | "private"
  | "forbidden"
  /** No answer from the gateway. */
  | "silent"
  | "full"
  /** This browser, or WebRTC, cannot carry what the camera sends. */
  | "codec"
  /** There is no WebRTC here. */
  | "unsupported"
  /** No way between this device and the gateway. */
  | "no-way"
  /** There was a picture, and then none any more. */
  | "lost"
  /** The same viewer watches elsewhere. */
  | "replaced"
  | "failed";

/** How a connection ended. */
export interface Ending {
  kind: Kind;
  problem: Problem;
  /** Whether it may be otherwise next time. */
  again: boolean;
}

const { problem: words } = live;

const ending = (kind: Kind, again: boolean, problem: Problem): Ending => ({ kind, again, problem });

export const silent = ending("silent", true, words.silent);
export const unsupported = ending("unsupported", false, words.unsupported);
export const noWay = ending("no-way", true, words.noWay);
export const lost = ending("lost", true, words.lost);
export const noPicture = ending("failed", true, words.noPicture);
/** Video comes, and no picture out of it. */
export const undecodable = ending("codec", true, words.codecOf(""));
export const blocked = ending("failed", true, words.signaling);

/** By the code with which the gateway turns a viewer down or sends it away; its words are the detail. */
export function refused(code: string, text: string): Ending {
  switch (code) {
    case "full":
      return ending("full", true, words.full);
    case "private":
      return ending("private", true, words.private);
    case "forbidden":
      return ending("forbidden", false, words.forbidden);
    case "codec":
    case "b_frames":
    case "no_video":
      return ending("codec", false, words.codecOf(text));
    case "lost":
    case "timeout":
      return lost;
    case "replaced":
      return ending("replaced", false, words.replaced);
    default:
      return ending("failed", true, words.refused(text));
  }
}

/** By what the API answered. */
export function endingOf(error: unknown): Ending {
  if (error instanceof SignedOutError) return ending("signed-out", false, error.problem);
  if (error instanceof ApiError && /(^|[/:#])no-live$/.test(error.type)) return ending("no-live", true, error.problem);
  const status = error instanceof ApiError ? error.status : 0;
  const again = error instanceof UnreachableError || status >= 500 || status === 429;
  return ending("failed", again, problemOf(error));
}
