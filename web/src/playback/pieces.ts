import { clip, type Span } from "./spans";

/** A part of what a video element plays whose time runs as the wall clock does. */
export interface Piece {
  /** Where it begins on the element's own time, in seconds. */
  start: number;
  /** When it was recorded, in milliseconds since 1970. */
  date: number;
  /** Milliseconds. */
  length: number;
}

/** Recorded stretches as a player puts them one after another. */
export function piecesOf(spans: readonly Span[], bounds: Span): Piece[] {
  let start = 0;
  return clip(spans, bounds).map(({ from, to }) => {
    const piece = { start, date: from, length: to - from };
    start += piece.length / 1000;
    return piece;
  });
}

/** When the picture at a time of the element was recorded. */
export function dateAt(pieces: readonly Piece[], seconds: number): number | undefined {
  const piece = pieces.findLast((other) => other.start <= seconds + 0.001) ?? pieces[0];
  if (!piece) return undefined;
  return piece.date + Math.min(piece.length, Math.max(0, (seconds - piece.start) * 1000));
}

/** Where on the element a time is: in a gap, where video goes on after it. */
export function secondsAt(pieces: readonly Piece[], date: number): number | undefined {
  const piece = pieces.find((other) => other.date + other.length > date);
  return piece && piece.start + Math.max(0, date - piece.date) / 1000;
}

/** When the last picture was recorded. */
export function endOf(pieces: readonly Piece[]): number | undefined {
  const last = pieces.at(-1);
  return last && last.date + last.length;
}

/** The last gap longer than least, in milliseconds, that lies between two times of the element. */
export function gapBetween(pieces: readonly Piece[], from: number, to: number, least: number): Span | undefined {
  let gap: Span | undefined;
  let end = Infinity;
  for (const { start, date, length } of pieces) {
    if (start > from && start <= to && date - end > least) gap = { from: end, to: date };
    end = date + length;
  }
  return gap;
}
