import type { TimeRange } from "../api/types";

/** A stretch of time in milliseconds since 1970; to is after from. */
export interface Span {
  from: number;
  to: number;
}

/** Pauses up to this long, in milliseconds, are none to a person. */
const SEAM = 1_500;

export function spanOf({ from, to }: TimeRange): Span | undefined {
  const span = { from: Date.parse(from), to: Date.parse(to) };
  return span.to > span.from ? span : undefined;
}

/** Puts spans in order, those that touch or overlap as one. */
export function join(spans: readonly Span[]): Span[] {
  const joined: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.from - b.from)) {
    const last = joined.at(-1);
    if (last && span.from - last.to <= SEAM) last.to = Math.max(last.to, span.to);
    else joined.push({ ...span });
  }
  return joined;
}

/** What of the spans lies within bounds. */
export function clip(spans: readonly Span[], { from, to }: Span): Span[] {
  return spans
    .map((span) => ({ from: Math.max(span.from, from), to: Math.min(span.to, to) }))
    .filter((span) => span.to > span.from);
}

export const covers = (spans: readonly Span[], at: number): boolean =>
  spans.some((span) => span.from <= at && at < span.to);

/** The first time from at on of which there is video; undefined after the last. */
export function nextVideo(spans: readonly Span[], at: number): number | undefined {
  const span = spans.find((other) => other.to > at);
  return span && Math.max(span.from, at);
}

/** Where to go for a time: there, or where video goes on, or just before where it ends. */
export function nearestVideo(spans: readonly Span[], at: number): number | undefined {
  const next = nextVideo(spans, at);
  if (next !== undefined) return next;
  const last = spans.at(-1);
  return last && Math.max(last.from, last.to - 5_000);
}

/** A local day, and the day before and after it by its times. */
export function dayAround(at: number): Span {
  const date = new Date(at);
  const midnight = (days: number) => new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime();
  return { from: midnight(0), to: midnight(1) };
}

/** Cuts a span into pieces no longer than most: a day of 25 hours is two questions. */
export function cut({ from, to }: Span, most: number): Span[] {
  const pieces: Span[] = [];
  for (let at = from; at < to; at += most) pieces.push({ from: at, to: Math.min(to, at + most) });
  return pieces;
}
