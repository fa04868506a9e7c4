import type { Span } from "./spans";

/** How much of a day a timeline shows at once, in milliseconds; a whole day at first. */
export const ZOOMS = { day: Infinity, hours: 6 * 3_600_000, hour: 3_600_000, minutes: 600_000 } as const;

export type Zoom = keyof typeof ZOOMS;

/** Milliseconds between ticks. */
const STEPS: Record<Zoom, number> = { day: 3 * 3_600_000, hours: 3_600_000, hour: 600_000, minutes: 120_000 };

/**
 * What of a day is in view: so much as the zoom says, within the day. It stays
 * where it was while the time shown is well inside, and else moves to have it in the middle.
 */
export function viewOf(day: Span, zoom: Zoom, at: number, before?: Span): Span {
  const length = Math.min(ZOOMS[zoom], day.to - day.from);
  const margin = length / 10;
  const stays =
    before && before.to - before.from === length && before.from >= day.from && before.to <= day.to &&
    (at >= before.from + margin || before.from === day.from) &&
    (at <= before.to - margin || before.to === day.to) &&
    at >= before.from && at <= before.to;
  if (stays) return before;
  const from = Math.min(Math.max(day.from, at - length / 2), day.to - length);
  return { from, to: from + length };
}

/** Full hours or minutes in view, by the local clock, so that they stay right on a day of 23 or 25 hours. */
export function ticksOf(day: Span, view: Span, zoom: Zoom): number[] {
  const step = STEPS[zoom];
  const midnight = new Date(day.from);
  const ticks: number[] = [];
  for (let i = 0; ; i++) {
    const at = new Date(midnight.getFullYear(), midnight.getMonth(), midnight.getDate(), 0, 0, 0, i * step).getTime();
    if (at >= view.to || i > 1000) return ticks;
    if (at >= view.from && at !== ticks.at(-1)) ticks.push(at);
  }
}

/** Where a time lies in a view, from 0 to 1. */
export const fraction = (view: Span, at: number): number => (at - view.from) / (view.to - view.from);
