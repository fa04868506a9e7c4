import { beforeEach, describe, expect, it } from "vitest";
import { Api, ApiError, type TokenSource } from "../../src/api/client";
import { UnreachableError } from "../../src/lib/http";
import { problemOf, SignedOutError } from "../../src/lib/problem";
import { t } from "../../src/messages";
import { event, idOf, json } from "./helpers";

describe("Api", () => {
  let sent: { url: string; token: string | null }[];
  let answers: (() => Response | Promise<Response>)[];
  let expired: number;
  let api: Api;

  beforeEach(() => {
    sent = [];
    answers = [];
    expired = 0;
    const fetcher = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
      sent.push({ url: String(input), token: new Headers(init?.headers).get("authorization") });
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
});
