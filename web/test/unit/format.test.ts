import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { groupByDay } from "../../src/events/group";
import { labelsOf, whatOf } from "../../src/events/words";
import { ago, cameraName, dayName, duration, score } from "../../src/lib/format";
import { event, idOf, idsOf } from "./helpers";

const now = new Date(2026, 0, 5, 12, 0, 0);
const before = (seconds: number) => new Date(now.getTime() - seconds * 1000);

describe("ago", () => {
  it.each([
    [-30, "just now"],
    [9, "just now"],
    [10, "10 sec. ago"],
    [60, "1 min. ago"],
    [3599, "59 min. ago"],
    [3600, "1 hr. ago"],
    [86_400 * 3, "3 days ago"],
  ])("%i s", (seconds, want) => expect(ago(before(seconds), now)).toBe(want));
});

describe("duration", () => {
  it.each([
    [0, "1 s"],
    [59.4, "59 s"],
    [60, "1 min"],
    [65, "1 min 5 s"],
    [3600, "1 h"],
    [3720, "1 h 2 min"],
  ])("%d s", (seconds, want) => expect(duration(before(seconds), now)).toBe(want));
});

describe("dayName", () => {
  it.each([
    [new Date(2026, 0, 5, 0, 0, 1), "Today"],
    [new Date(2026, 0, 4, 23, 59, 59), "Yesterday"],
    [new Date(2026, 0, 3), "Saturday, January 3"],
    [new Date(2025, 11, 31), "Wednesday, December 31, 2025"],
  ])("%s", (date, want) => expect(dayName(date, now)).toBe(want));
});

describe("words", () => {
  it("writes camera names as people do", () => {
    expect(cameraName("home.front-door")).toBe("Front door");
    expect(cameraName("home.CAM_2")).toBe("CAM 2");
    expect(cameraName("home._")).toBe("Home._");
    expect(cameraName("odd")).toBe("Odd");
  });

  it("names what was seen, the surest first", () => {
    const seen = event(1, { labels: { dog: 0.5, person: 0.9, "traffic-light": 0.4 } });
    expect(labelsOf(seen).map(([label]) => label)).toEqual(["person", "dog", "traffic-light"]);
    expect(whatOf(seen)).toBe("Person, dog, and traffic light");
    expect(whatOf(event(1, { labels: {} }))).toBe("Something");
  });

  it("rounds scores to whole percents", () => expect(score(0.906)).toBe("91%"));
});

describe("in New York", () => {
  const zone = process.env.TZ;
  beforeEach(() => {
    process.env.TZ = "America/New_York";
  });
  afterEach(() => {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  });

  it("knows yesterday after a day of 23 hours", () => {
    expect(dayName(new Date(2026, 2, 8, 12), new Date(2026, 2, 9, 0, 30))).toBe("Yesterday");
  });

  it("parts events by the local day, not by that of UTC", () => {
    const at = (n: number, started_at: string) => event(n, { started_at });
    const days = groupByDay([
      at(4, "2026-01-05T05:00:00Z"), // midnight in New York
      at(3, "2026-01-05T04:59:59Z"),
      at(2, "2026-01-04T05:00:00Z"),
      at(1, "2026-01-04T04:59:59Z"),
    ]);
    expect(days.map((day) => [day.key, idsOf(day.events)])).toEqual([
      ["2026-01-05", [idOf(4)]],
      ["2026-01-04", [idOf(3), idOf(2)]],
      ["2026-01-03", [idOf(1)]],
    ]);
  });
});
