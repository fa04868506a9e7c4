import type { CameraEvent } from "../api/types";

/** Newest first. Event ids are ULIDs: their order is the order in time. */
const newestFirst = (a: CameraEvent, b: CameraEvent): number =>
  a.event_id < b.event_id ? 1 : a.event_id > b.event_id ? -1 : 0;

export interface Merged {
  /** Sorted newest first; the very array given when nothing changed. */
  events: readonly CameraEvent[];
  /** Those whose id was not known before, newest first. */
  added: CameraEvent[];
}

/**
 * Puts incoming events into the known ones. Of each event the highest sequence
 * stays, so that answers may overlap and arrive out of order. At equal
 * sequence the known one stays: its picture is already on screen, under a
 * signed address that the incoming one has merely signed anew.
 */
export function merge(known: readonly CameraEvent[], incoming: readonly CameraEvent[]): Merged {
  const byId = new Map(known.map((event) => [event.event_id, event]));
  const added = new Map<string, CameraEvent>();
  let changed = false;
  for (const event of incoming) {
    const current = byId.get(event.event_id);
    if (current && current.sequence >= event.sequence) continue;
    if (!current || added.has(event.event_id)) added.set(event.event_id, event);
    byId.set(event.event_id, event);
    changed = true;
  }
  if (!changed) return { events: known, added: [] };
  return {
    events: [...byId.values()].sort(newestFirst),
    added: [...added.values()].sort(newestFirst),
  };
}

/**
 * Whether a page of the newest events reaches down to those known, or to the
 * beginning. If not, there is a gap between the two.
 */
export function reaches(known: readonly CameraEvent[], page: readonly CameraEvent[], isLast: boolean): boolean {
  const newest = known[0];
  const oldest = page.at(-1);
  if (isLast || !newest || !oldest) return true;
  return oldest.event_id <= newest.event_id;
}
