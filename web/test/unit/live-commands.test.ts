import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Commands, Refusal, type Status } from "../../src/live/commands";
import { FakeChannel } from "./live-fakes";

describe("Commands", () => {
  let channel: FakeChannel;
  let told: Status[];
  let commands: Commands;

  beforeEach(() => {
    vi.useFakeTimers();
    channel = new FakeChannel();
    told = [];
    commands = new Commands(channel as unknown as RTCDataChannel, { open: () => {}, status: (status) => told.push(status) });
    channel.open();
  });
  afterEach(() => {
    commands.close();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  const refusal = async (asked: Promise<unknown>): Promise<Refusal> => asked.then(() => Promise.reject(new Error("granted")), (error: Refusal) => error);

  it("asks in the form of version 1 and matches replies by id", async () => {
    channel.replies = {};
    const [first, second] = [commands.ask("snapshot"), commands.ask("ptz", { x: 1, v: 9, id: "mine" })];
    expect(channel.sent).toEqual([{ v: 1, type: "snapshot", id: "1" }, { v: 1, type: "ptz", id: "2", x: 1 }]);
    channel.hear({ type: "reply", to: "ptz", id: "2", ok: true, result: { moved: true } });
    channel.hear({ type: "reply", to: "snapshot", id: "1", ok: false, error: { code: "forbidden", text: "this viewer may not do that" } });
    expect(await second).toEqual({ moved: true });
    expect(await refusal(first)).toMatchObject({ code: "forbidden", message: "this viewer may not do that" });
  });

  it("gives up in time, when too much is asked, and when the channel closes", async () => {
    channel.replies = {};
    const slow = refusal(commands.ask("ping"));
    await vi.advanceTimersByTimeAsync(12_000);
    expect((await slow).code).toBe("timeout");
    const many = Array.from({ length: 17 }, () => refusal(commands.ask("ping")));
    expect((await (many[16] as Promise<Refusal>)).code).toBe("rate");
    channel.onclose?.();
    expect((await (many[0] as Promise<Refusal>)).code).toBe("closed");
    channel.readyState = "closed";
    expect((await refusal(commands.ask("ping"))).code).toBe("closed");
  });

  it("tells of states, and hears nothing in what is no message", () => {
    channel.hear({ type: "status", state: "live", quality: "sub" });
    channel.hear({ type: "status", state: "ended", code: "private", text: "x".repeat(5_000) });
    for (const data of ["", "{", "null", "7", "[]", new ArrayBuffer(4), '{"v":2,"type":"status","state":"live"}', '{"v":1,"type":"status","state":"on fire"}',
      '{"v":1,"type":"reply"}', '{"v":1,"type":"reply","id":"77","ok":true}', `{"v":1,"type":"status","state":"live","text":"${"x".repeat(70_000)}"}`]) {
      channel.onmessage?.({ data });
    }
    expect(told).toEqual([
      { state: "live", code: "", text: "", quality: "sub" },
      { state: "ended", code: "private", text: "x".repeat(300), quality: "" },
    ]);
  });
});
