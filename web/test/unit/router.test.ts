import { describe, expect, it } from "vitest";
import { eventHash, homeHash, parseRoute } from "../../src/router";
import { idOf } from "./helpers";

describe("routes", () => {
  it.each([
    ["", { name: "home", filter: { camera: "", label: "", severity: "" } }],
    ["#/", { name: "home", filter: { camera: "", label: "", severity: "" } }],
    ["#events", { name: "home", filter: { camera: "", label: "", severity: "" } }],
    ["#/?camera=home.door&label=person", { name: "home", filter: { camera: "home.door", label: "person", severity: "" } }],
    ["#/?severity=alert", { name: "home", filter: { camera: "", label: "", severity: "alert" } }],
    ["#/?severity=panic", { name: "home", filter: { camera: "", label: "", severity: "" } }],
    [`#/events/${idOf(1)}`, { name: "event", id: idOf(1) }],
    ["#/events/../../evil", { name: "home", filter: { camera: "", label: "", severity: "" } }],
  ])("%j", (hash, want) => expect(parseRoute(hash)).toEqual(want));

  it("round trips", () => {
    const filter = { camera: "home.a_b-c", label: "traffic light & more", severity: "alert" as const };
    expect(parseRoute(homeHash(filter))).toEqual({ name: "home", filter });
    expect(homeHash({ camera: "", label: "", severity: "" })).toBe("#/");
    expect(parseRoute(eventHash(idOf(7)))).toEqual({ name: "event", id: idOf(7) });
  });
});
