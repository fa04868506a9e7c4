import type { CameraEvent } from "../api/types";
import { dayKey } from "../lib/format";

export interface Day {
  /** Local date, yyyy-mm-dd. */
  key: string;
  date: Date;
  events: CameraEvent[];
}

/** Parts events, sorted newest first, by the local day on which they started. */
export function groupByDay(events: readonly CameraEvent[]): Day[] {
  const days: Day[] = [];
  for (const event of events) {
    const date = new Date(event.started_at);
    const key = dayKey(date);
    const last = days.at(-1);
    if (last?.key === key) last.events.push(event);
    else days.push({ key, date, events: [event] });
  }
  return days;
}
