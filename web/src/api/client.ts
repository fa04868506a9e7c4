import { isRecord, jsonOf, request } from "../lib/http";
import { PlainError, SignedOutError, type Problem } from "../lib/problem";
import { t } from "../messages";
import type { Camera, CameraEvent, EventList, EventQuery } from "./types";

/** The API refused; problem holds its RFC 9457 document in short. */
export class ApiError extends PlainError {
  constructor(
    readonly status: number,
    problem: Problem,
  ) {
    super(problem);
  }
}

/** Where access tokens come from. */
export interface TokenSource {
  token(): Promise<string>;
  replace(refused: string): Promise<string>;
  expire(): void;
}

/** A client of internal/cloud/api/openapi.yaml, on the page's own origin. */
export class Api {
  constructor(
    private readonly fetcher: typeof fetch,
    private readonly tokens: TokenSource,
  ) {}

  async listCameras(signal?: AbortSignal): Promise<Camera[]> {
    const body = await this.#get<{ cameras?: Camera[] }>("/v1/cameras", signal);
    if (!Array.isArray(body.cameras)) throw new PlainError(t.problem.unexpected);
    return body.cameras;
  }

  async listEvents(query: EventQuery, signal?: AbortSignal): Promise<EventList> {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined && value !== "") search.set(name, String(value));
    }
    const body = await this.#get<EventList>(`/v1/events?${search}`, signal);
    if (!Array.isArray(body.events)) throw new PlainError(t.problem.unexpected);
    return body;
  }

  getEvent(id: string, signal?: AbortSignal): Promise<CameraEvent> {
    return this.#get<CameraEvent>(`/v1/events/${encodeURIComponent(id)}`, signal);
  }

  async #get<T>(path: string, signal?: AbortSignal): Promise<T> {
    let token = await this.tokens.token();
    let response = await this.#send(path, token, signal);
    if (response.status === 401) {
      token = await this.tokens.replace(token);
      response = await this.#send(path, token, signal);
    }
    if (response.status === 401) {
      this.tokens.expire();
      throw new SignedOutError(t.problem.signInEnded);
    }
    const body = await jsonOf(response);
    if (!response.ok) throw new ApiError(response.status, problemIn(response.status, body));
    // The app and the API are built from one contract; what is left to check
    // is that this is the API at all and not, say, a captive portal.
    if (!isRecord(body)) throw new PlainError(t.problem.unexpected);
    return body as T;
  }

  #send(path: string, token: string, signal: AbortSignal | undefined): Promise<Response> {
    return request(this.fetcher, path, {
      headers: { authorization: `Bearer ${token}`, accept: "application/json" },
      cache: "no-store",
      ...(signal ? { signal } : {}),
    });
  }
}

/** The problem document's words, or the app's own for an answer without one. */
function problemIn(status: number, body: unknown): Problem {
  if (!isRecord(body) || typeof body.title !== "string") return t.problem.status(status);
  return typeof body.detail === "string" ? { title: body.title, detail: body.detail } : { title: body.title };
}
