import { describe, expect, it } from "vitest";
import { merge, reaches } from "../../src/events/merge";
import { event, idOf, idsOf } from "./helpers";

describe("merge", () => {
  it("sorts newest first whatever the order of arrival", () => {
    const { events, added } = merge([event(3), event(1)], [event(2), event(5), event(4)]);
    expect(idsOf(events)).toEqual([5, 4, 3, 2, 1].map(idOf));
    expect(idsOf(added)).toEqual([5, 4, 2].map(idOf));
  });

  it("keeps the highest sequence of an event and never goes back", () => {
    const ended = event(1, { sequence: 3, state: "ended" });
    expect(merge([event(1)], [ended]).events).toEqual([ended]);
    expect(merge([ended], [event(1, { sequence: 2 })]).events).toEqual([ended]);
    expect(merge([], [ended, event(1, { sequence: 2 })]).events).toEqual([ended]);
  });

  it("does not call an update of a known event new", () => {
    expect(merge([event(1)], [event(1, { sequence: 2 })]).added).toEqual([]);
  });

  it("counts an event once that arrives twice in one answer", () => {
    const later = event(1, { sequence: 2 });
    expect(merge([], [event(1), later]).added).toEqual([later]);
  });

  it("keeps the picture on screen when only its signature is new", () => {
    const known = [event(1, { thumbnail_url: "/a?signature=1" })];
    const { events, added } = merge(known, [event(1, { thumbnail_url: "/a?signature=2" })]);
    expect(events).toBe(known);
    expect(added).toEqual([]);
  });
});

describe("reaches", () => {
  const known = [event(5), event(4)];
  it.each([
    ["overlaps", known, [event(6), event(5)], false, true],
    ["an old event arrived late", known, [event(6), event(3)], false, true],
    ["a gap between", known, [event(9), event(8)], false, false],
    ["the page holds everything there is", known, [event(9), event(8)], true, true],
    ["nothing known", [], [event(9)], false, true],
    ["nothing there", known, [], false, true],
  ])("%s", (_, before, page, isLast, want) => {
    expect(reaches(before, page, isLast)).toBe(want);
  });
});
