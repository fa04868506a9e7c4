import { t } from "../messages";
import { clip, type Span } from "./spans";

/** The most that is saved at once, in milliseconds. */
const MOST = 3_600_000;

/** A time as a field writes it, hh:mm or hh:mm:ss, on a local day; undefined when it is none. */
export function timeOnDay(day: Span, text: string): number | undefined {
  const parts = /^(\d{1,2}):(\d{2})(?::(\d{2}))?/.exec(text);
  if (!parts) return undefined;
  const date = new Date(day.from);
  date.setHours(Number(parts[1]), Number(parts[2]), Number(parts[3] ?? 0), 0);
  return date.getTime();
}

/** What is wrong with a part, in words; undefined when it can be saved. */
export function partProblem(part: Span, spans: readonly Span[]): string | undefined {
  if (!(part.to > part.from)) return t.save.wrongOrder;
  if (part.to - part.from > MOST) return t.save.tooLong;
  if (clip(spans, part).length === 0) return t.save.noVideo;
  return undefined;
}
