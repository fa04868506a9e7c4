import { describe, expect, it } from "vitest";
import { eventHash, homeHash, parseRoute } from "../../src/router";
import { idOf } from "./helpers";

describe("routes", () => {
  it.each([
    ["", { name: "home", filter: { camera: "", label: "" } }],
    ["#/", { name: "home", filter: { camera: "", label: "" } }],
    ["#events", { name: "home", filter: { camera: "", label: "" } }],
    ["#/?camera=home.door&label=person", { name: "home", filter: { camera: "home.door", label: "person" } }],
    [`#/events/${idOf(1)}`, { name: "event", id: idOf(1) }],
    ["#/events/../../evil", { name: "home", filter: { camera: "", label: "" } }],
  ])("%j", (hash, want) => expect(parseRoute(hash)).toEqual(want));

  it("round trips", () => {
    const filter = { camera: "home.a_b-c", label: "traffic light & more" };
    expect(parseRoute(homeHash(filter))).toEqual({ name: "home", filter });
    expect(homeHash({ camera: "", label: "" })).toBe("#/");
    expect(parseRoute(eventHash(idOf(7)))).toEqual({ name: "event", id: idOf(7) });
  });
});
