import { beforeEach, describe, expect, it } from "vitest";
import { Api, ApiError, type TokenSource } from "../../src/api/client";
import { UnreachableError } from "../../src/lib/http";
import { problemOf, SignedOutError } from "../../src/lib/problem";
import { t } from "../../src/messages";
import { event, idOf, json } from "./helpers";

describe("Api", () => {
  let sent: { url: string; token: string | null; method?: string }[];
  let answers: (() => Response | Promise<Response>)[];
  let expired: number;
  let api: Api;

  beforeEach(() => {
    sent = [];
    answers = [];
    expired = 0;
    const fetcher = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
      const { method = "GET" } = init ?? {};
      sent.push({ url: String(input), token: new Headers(init?.headers).get("authorization"), ...(method === "GET" ? {} : { method }) });
      if (init?.signal?.aborted) throw new DOMException("aborted", "AbortError");
      const next = answers.shift();
      if (!next) throw new Error("one request too many");
      return next();
    };
    const tokens: TokenSource = {
      token: async () => "old",
      replace: async (refused) => (refused === "old" ? "new" : "newer"),
      expire: () => expired++,
    };
    api = new Api(fetcher as typeof fetch, tokens);
  });

  it("asks with the token and only with the parameters that are set", async () => {
    answers = [() => json({ events: [event(1)], next_cursor: "c" })];
    const page = await api.listEvents({ limit: 30, camera: "home.door", label: "" });
    expect(page).toEqual({ events: [event(1)], next_cursor: "c" });
    expect(sent).toEqual([{ url: "/v1/events?limit=30&camera=home.door", token: "Bearer old" }]);
  });

  it("asks for a way to a camera, and takes only one that is", async () => {
    const session = { channel: "home.door", client_id: "v", url: "wss://signaling.example/?x=1", expires_at: "2026-01-05T12:00:00Z", ice_servers: [] };
    answers = [() => json(session), ...["https://signaling.example/", "javascript:alert(1)", 7, undefined].map((url) => () => json({ ...session, url }))];
    expect(await api.viewCamera("home.door")).toEqual(session);
    expect(sent[0]).toMatchObject({ url: "/v1/cameras/home.door/live", method: "POST" });
    for (let i = 0; i < 4; i++) await expect(api.viewCamera("home.door")).rejects.toThrow(t.problem.unexpected.title);
  });

  it("renews the token once when it is refused", async () => {
    answers = [() => json({}, 401), () => json({ cameras: [] })];
    expect(await api.listCameras()).toEqual([]);
    expect(sent.map(({ token }) => token)).toEqual(["Bearer old", "Bearer new"]);
    expect(expired).toBe(0);
  });

  it("ends the session when the new token is refused too", async () => {
    answers = [() => json({}, 401), () => json({}, 401)];
    await expect(api.listCameras()).rejects.toBeInstanceOf(SignedOutError);
    expect(expired).toBe(1);
  });

  it("shows a problem document's own words", async () => {
    answers = [() => json({ title: "Bad cursor", status: 400, detail: "Start from the first page." }, 400)];
    const error = await api.listEvents({ cursor: "x" }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ApiError);
    expect((error as ApiError).status).toBe(400);
    expect(problemOf(error)).toEqual({ title: "Bad cursor", detail: "Start from the first page." });
  });

  it.each([
    ["no document", () => new Response("<h1>Bad gateway</h1>", { status: 502 }), t.problem.status(502)],
    ["a document of another kind", () => json({ message: "x" }, 500), t.problem.status(500)],
    ["success that is no JSON", () => new Response("<p>Log in to the hotel"), t.problem.unexpected],
    ["success of another shape", () => json({ events: 3 }), t.problem.unexpected],
  ])("has words for %s", async (_, answer, problem) => {
    answers = [answer];
    expect(problemOf(await api.listEvents({}).catch((e: unknown) => e))).toEqual(problem);
  });

  it("calls a failing network unreachable and an abandoned request an abort", async () => {
    answers = [
      () => {
        throw new TypeError("Failed to fetch");
      },
    ];
    await expect(api.getEvent(idOf(1))).rejects.toBeInstanceOf(UnreachableError);
    const abort = new AbortController();
    abort.abort();
    await expect(api.getEvent(idOf(1), abort.signal)).rejects.toMatchObject({ name: "AbortError" });
  });

  it("cannot be led to another path by an event id", async () => {
    answers = [() => json(event(1))];
    await api.getEvent("../cameras?x=1");
    expect(sent[0]?.url).toBe("/v1/events/..%2Fcameras%3Fx%3D1");
  });

  it("asks for video by event and by camera and time, and for files", async () => {
    const url = "https://video.example/x?SessionToken=t";
    const playback = { protocol: "hls", url, expires_at: "2026-01-05T13:00:00Z" };
    const file = { url, expires_at: "2026-01-05T13:00:00Z", bytes: 7, from: "2026-01-05T12:00:00Z", to: "2026-01-05T12:01:00Z" };
    const [from, to] = [new Date("2026-01-05T12:00:00Z"), new Date("2026-01-05T13:00:00Z")];
    answers = [playback, playback, playback, file, file, { camera: "home.door", ranges: [] }].map((body) => () => json(body));
    expect(await api.playEvent(idOf(1))).toEqual(playback);
    expect(await api.playCamera("home.door", from, to)).toEqual(playback);
    expect(await api.playNow("home.door")).toEqual(playback);
    expect(await api.getEventClip(idOf(1))).toEqual(file);
    expect(await api.getCameraClip("home.a b", from, to)).toEqual(file);
    expect(await api.listRecordings("home.door", from, to)).toEqual({ camera: "home.door", ranges: [] });
    const range = "from=2026-01-05T12%3A00%3A00.000Z&to=2026-01-05T13%3A00%3A00.000Z";
    expect(sent.map((request) => request.url)).toEqual([
      `/v1/events/${idOf(1)}/playback?protocol=hls`,
      `/v1/cameras/home.door/playback?${range}&protocol=hls`,
      "/v1/cameras/home.door/playback?protocol=hls",
      `/v1/events/${idOf(1)}/clip`,
      `/v1/cameras/home.a%20b/clip?${range}`,
      `/v1/cameras/home.door/recordings?${range}`,
    ]);
  });

  it.each([undefined, "", 7, "javascript:alert(1)", "data:video/mp4,x", "/relative", "https://"])(
    "goes to no address like %j",
    async (url) => {
      answers = [() => json({ url }), () => json({ url })];
      await expect(api.playEvent(idOf(1))).rejects.toMatchObject({ problem: t.problem.unexpected });
      await expect(api.getEventClip(idOf(1))).rejects.toMatchObject({ problem: t.problem.unexpected });
    },
  );

  it("tells that there is no video from other things that are not there", async () => {
    answers = [
      () => json({ type: "no-video", title: "No video", status: 404, detail: "Not yet." }, 404),
      () => json({ title: "No such event", status: 404 }, 404),
    ];
    await expect(api.playEvent(idOf(1))).rejects.toMatchObject({ status: 404, type: "no-video" });
    await expect(api.playEvent(idOf(1))).rejects.toMatchObject({ status: 404, type: "about:blank" });
  });
});
