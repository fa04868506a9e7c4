import { describe, expect, it } from "vitest";
import { cameraHash, eventHash, homeHash, liveHash, parseRoute } from "../../src/router";
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
    ["#/cameras/home.door", { name: "camera", camera: "home.door" }],
    ["#/cameras/home.door?t=2026-01-05", { name: "camera", camera: "home.door", at: new Date(2026, 0, 5).getTime() }],
    ["#/cameras/home.door?t=2026-01-05T12:30:00.000Z", { name: "camera", camera: "home.door", at: Date.UTC(2026, 0, 5, 12, 30) }],
    ["#/cameras/home.door?t=2026-99-99T", { name: "camera", camera: "home.door" }],
    ["#/cameras/home.door/live", { name: "live", camera: "home.door" }],
    ["#/cameras/home.door/live?t=2026-01-05", { name: "home", filter: { camera: "", label: "", severity: "" } }],
    ["#/cameras/a/b", { name: "home", filter: { camera: "", label: "", severity: "" } }],
    ["#/events/../../evil", { name: "home", filter: { camera: "", label: "", severity: "" } }],
  ])("%j", (hash, want) => expect(parseRoute(hash)).toEqual(want));

  it("round trips", () => {
    const filter = { camera: "home.a_b-c", label: "traffic light & more", severity: "alert" as const };
    expect(parseRoute(homeHash(filter))).toEqual({ name: "home", filter });
    expect(homeHash({ camera: "", label: "", severity: "" })).toBe("#/");
    expect(parseRoute(eventHash(idOf(7)))).toEqual({ name: "event", id: idOf(7) });
    const at = new Date(Date.UTC(2026, 0, 5, 12, 0, 1, 234));
    expect(parseRoute(cameraHash("home.a_b-c", at))).toEqual({ name: "camera", camera: "home.a_b-c", at: at.getTime() });
    expect(parseRoute(cameraHash("home.door"))).toEqual({ name: "camera", camera: "home.door" });
    expect(parseRoute(liveHash("home.a_b-c"))).toEqual({ name: "live", camera: "home.a_b-c" });
  });
});
