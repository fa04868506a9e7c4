import type { CameraEvent } from "../api/types";
import { labelName, t } from "../messages";

/** Labels and how sure they are, the surest first. */
export function surestFirst(labels: Record<string, number>): [label: string, score: number][] {
  return Object.entries(labels).sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
}

/** An event's labels, the surest first. */
export const labelsOf = (event: CameraEvent): [label: string, score: number][] => surestFirst(event.labels);

/** What was seen, in words: "Person and dog". */
export function whatOf(event: CameraEvent): string {
  const names = labelsOf(event).map(([label]) => labelName(label));
  return names.length > 0 ? t.events.what(names) : t.events.unlabelled;
}
