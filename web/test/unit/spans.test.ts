import { describe, expect, it } from "vitest";
import { t } from "../../src/messages";
import { partProblem, timeOnDay } from "../../src/playback/part";
import { dateAt, endOf, piecesOf, secondsAt } from "../../src/playback/pieces";
import { clip, covers, cut, dayAround, join, nearestVideo, nextVideo, spanOf } from "../../src/playback/spans";
import { fraction, ticksOf, viewOf } from "../../src/playback/view";

const span = (from: number, to: number) => ({ from, to });
const HOUR = 3_600_000;

describe("spans", () => {
  it("reads what the API writes, and nothing that is no stretch of time", () => {
    expect(spanOf({ from: "1970-01-01T00:00:01Z", to: "1970-01-01T00:00:02.500Z" })).toEqual(span(1_000, 2_500));
    expect(spanOf({ from: "1970-01-01T00:00:01Z", to: "1970-01-01T00:00:01Z" })).toBeUndefined();
    expect(spanOf({ from: "soon", to: "1970-01-01T00:00:01Z" })).toBeUndefined();
  });

  it("joins what overlaps, touches or is apart by less than a person notices", () => {
    const spans = [span(20_000, 30_000), span(0, 5_000), span(4_000, 8_000), span(9_000, 10_000)];
    expect(join(spans)).toEqual([span(0, 10_000), span(20_000, 30_000)]);
    expect(spans[1]).toEqual(span(0, 5_000));
  });

  it("finds video at a time, after it, or just before the end", () => {
    const spans = [span(10_000, 20_000), span(30_000, 40_000)];
    expect(nextVideo(spans, 0)).toBe(10_000);
    expect(nextVideo(spans, 15_000)).toBe(15_000);
    expect(nextVideo(spans, 20_000)).toBe(30_000);
    expect(nextVideo(spans, 40_000)).toBeUndefined();
    expect(nearestVideo(spans, 50_000)).toBe(35_000);
    expect(nearestVideo([span(0, 2_000)], 50_000)).toBe(0);
    expect(nearestVideo([], 1)).toBeUndefined();
    expect([covers(spans, 10_000), covers(spans, 20_000)]).toEqual([true, false]);
  });

  it("cuts to bounds and into questions", () => {
    expect(clip([span(0, 10), span(20, 30), span(40, 50)], span(5, 25))).toEqual([span(5, 10), span(20, 25)]);
    expect(cut(span(0, 25 * HOUR), 24 * HOUR)).toEqual([span(0, 24 * HOUR), span(24 * HOUR, 25 * HOUR)]);
    expect(cut(span(5, 5), 10)).toEqual([]);
  });

  it("knows local days", () => {
    const day = dayAround(new Date(2026, 0, 5, 13).getTime());
    expect(new Date(day.from)).toEqual(new Date(2026, 0, 5));
    expect(new Date(day.to)).toEqual(new Date(2026, 0, 6));
  });
});

describe("pieces", () => {
  // Ten seconds, a gap of a minute, five seconds more.
  const pieces = piecesOf([span(100_000, 110_000), span(170_000, 180_000)], span(0, 175_000));

  it("maps the player's time to the clock and back, over gaps", () => {
    expect(pieces).toEqual([
      { start: 0, date: 100_000, length: 10_000 },
      { start: 10, date: 170_000, length: 5_000 },
    ]);
    expect([0, 9.5, 10, 12.5, 99].map((at) => dateAt(pieces, at))).toEqual([100_000, 109_500, 170_000, 172_500, 175_000]);
    expect([100_000, 104_250, 120_000, 171_000].map((at) => secondsAt(pieces, at))).toEqual([0, 4.25, 10, 11]);
    expect(secondsAt(pieces, 175_000)).toBeUndefined();
    expect(endOf(pieces)).toBe(175_000);
  });

  it("knows nothing of nothing", () => {
    expect([dateAt([], 1), secondsAt([], 1), endOf([])]).toEqual([undefined, undefined, undefined]);
  });
});

describe("timeline", () => {
  const day = dayAround(new Date(2026, 0, 5, 13).getTime());

  it("shows the whole day, or a part around the time that moves only when it must", () => {
    expect(viewOf(day, "day", day.from)).toEqual(day);
    const view = viewOf(day, "hour", day.from + 10 * HOUR);
    expect(view).toEqual(span(day.from + 9.5 * HOUR, day.from + 10.5 * HOUR));
    expect(viewOf(day, "hour", day.from + 10.3 * HOUR, view)).toBe(view);
    expect(viewOf(day, "hour", day.from + 10.45 * HOUR, view)).not.toBe(view);
    expect(viewOf(day, "hour", day.from + 60_000)).toEqual(span(day.from, day.from + HOUR));
    expect(viewOf(day, "hour", day.to - 60_000)).toEqual(span(day.to - HOUR, day.to));
    const first = viewOf(day, "hour", day.from);
    expect(viewOf(day, "hour", day.from + 1, first)).toBe(first);
    expect(viewOf(day, "minutes", day.from + 10 * HOUR, view)).not.toBe(view);
  });

  it("has ticks at full hours by the local clock", () => {
    const hours = ticksOf(day, day, "day").map((tick) => new Date(tick).getHours());
    expect(hours).toEqual([0, 3, 6, 9, 12, 15, 18, 21]);
    const view = viewOf(day, "minutes", day.from + 10 * HOUR);
    expect(ticksOf(day, view, "minutes").map((tick) => new Date(tick).getMinutes())).toEqual([56, 58, 0, 2, 4]);
    expect(fraction(day, day.from + 6 * HOUR)).toBe(0.25);
  });
});

describe("a part to save", () => {
  const day = dayAround(new Date(2026, 0, 5, 13).getTime());

  it("is told by two times of the day", () => {
    expect(timeOnDay(day, "06:07:08")).toBe(new Date(2026, 0, 5, 6, 7, 8).getTime());
    expect(timeOnDay(day, "06:07")).toBe(new Date(2026, 0, 5, 6, 7).getTime());
    expect(timeOnDay(day, "")).toBeUndefined();
  });

  it("must be in order, at most an hour, and hold video", () => {
    const spans = [span(0, 10 * HOUR)];
    expect(partProblem(span(5, 5), spans)).toBe(t.save.wrongOrder);
    expect(partProblem(span(0, HOUR + 1), spans)).toBe(t.save.tooLong);
    expect(partProblem(span(11 * HOUR, 11.5 * HOUR), spans)).toBe(t.save.noVideo);
    expect(partProblem(span(9.5 * HOUR, 10.5 * HOUR), spans)).toBeUndefined();
  });
});
