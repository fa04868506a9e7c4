import { isRecord, jsonOf, request } from "../lib/http";
import { PlainError, SignedOutError, type Problem } from "../lib/problem";
import { t } from "../messages";
import type { Camera, CameraEvent, ClipFile, EventList, EventQuery, LiveSession, Playback, Recordings } from "./types";

/** The API refused; problem holds its RFC 9457 document in short. */
export class ApiError extends PlainError {
  constructor(
    readonly status: number,
    problem: Problem,
    /** The problem's type, "no-video" for one; about:blank when it has none. */
    readonly type = "about:blank",
  ) {
    super(problem);
  }
}

/** How long a clip may take to be put together, in milliseconds. */
const CLIP_PATIENCE = 60_000;

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

  playEvent(id: string, signal?: AbortSignal): Promise<Playback> {
    return this.#playback(`/v1/events/${encodeURIComponent(id)}/playback?protocol=hls`, signal);
  }

  getEventClip(id: string, signal?: AbortSignal): Promise<ClipFile> {
    return this.#clip(`/v1/events/${encodeURIComponent(id)}/clip`, signal);
  }

  /** At most 24 hours from one time to the other. */
  async listRecordings(camera: string, from: Date, to: Date, signal?: AbortSignal): Promise<Recordings> {
    const body = await this.#get<Recordings>(ofCamera(camera, "recordings", from, to), signal);
    if (!Array.isArray(body.ranges)) throw new PlainError(t.problem.unexpected);
    return body;
  }

  /** At most 24 hours from one time to the other. */
  playCamera(camera: string, from: Date, to: Date, signal?: AbortSignal): Promise<Playback> {
    return this.#playback(`${ofCamera(camera, "playback", from, to)}&protocol=hls`, signal);
  }

  /** What comes in from a camera now. */
  playNow(camera: string, signal?: AbortSignal): Promise<Playback> {
    return this.#playback(`/v1/cameras/${encodeURIComponent(camera)}/playback?protocol=hls`, signal);
  }

  /** At most one hour from one time to the other. */
  getCameraClip(camera: string, from: Date, to: Date, signal?: AbortSignal): Promise<ClipFile> {
    return this.#clip(ofCamera(camera, "clip", from, to), signal);
  }

  /** A way to see a camera live; each is for one viewer and one connection. */
  async viewCamera(camera: string, signal?: AbortSignal): Promise<LiveSession> {
    const body = await this.#ask<LiveSession>("POST", `/v1/cameras/${encodeURIComponent(camera)}/live`, signal);
    if (typeof body.url !== "string" || !/^wss?:\/\//i.test(body.url) || !URL.canParse(body.url) || !Array.isArray(body.ice_servers)) {
      throw new PlainError(t.problem.unexpected);
    }
    return body;
  }

  async #playback(path: string, signal: AbortSignal | undefined): Promise<Playback> {
    const body = await this.#get<Playback>(path, signal);
    if (!isWebAddress(body.url)) throw new PlainError(t.problem.unexpected);
    return body;
  }

  async #clip(path: string, signal: AbortSignal | undefined): Promise<ClipFile> {
    const body = await this.#get<ClipFile>(path, signal, CLIP_PATIENCE);
    if (!isWebAddress(body.url)) throw new PlainError(t.problem.unexpected);
    return body;
  }

  #get<T>(path: string, signal?: AbortSignal, patience?: number): Promise<T> {
    return this.#ask("GET", path, signal, patience);
  }

  async #ask<T>(method: string, path: string, signal?: AbortSignal, patience?: number): Promise<T> {
    let token = await this.tokens.token();
    let response = await this.#send(method, path, token, signal, patience);
    if (response.status === 401) {
      token = await this.tokens.replace(token);
      response = await this.#send(method, path, token, signal, patience);
    }
    if (response.status === 401) {
      this.tokens.expire();
      throw new SignedOutError(t.problem.signInEnded);
    }
    const body = await jsonOf(response);
    if (!response.ok) throw refusal(response.status, body);
    // The app and the API are built from one contract; what is left to check
    // is that this is the API at all and not, say, a captive portal.
    if (!isRecord(body)) throw new PlainError(t.problem.unexpected);
    return body as T;
  }

  #send(method: string, path: string, token: string, signal: AbortSignal | undefined, patience: number | undefined): Promise<Response> {
    const init: RequestInit = {
      method,
      headers: { authorization: `Bearer ${token}`, accept: "application/json" },
      cache: "no-store",
      ...(signal ? { signal } : {}),
    };
    return request(this.fetcher, path, init, patience);
  }
}

function ofCamera(camera: string, what: string, from: Date, to: Date): string {
  const query = new URLSearchParams({ from: from.toISOString(), to: to.toISOString() });
  return `/v1/cameras/${encodeURIComponent(camera)}/${what}?${query}`;
}

/** The browser goes where these say: never to javascript: or the like. */
function isWebAddress(url: unknown): boolean {
  return typeof url === "string" && /^https?:\/\//i.test(url) && URL.canParse(url);
}

/** The problem document's words, or the app's own for an answer without one. */
function refusal(status: number, body: unknown): ApiError {
  if (!isRecord(body) || typeof body.title !== "string") return new ApiError(status, t.problem.status(status));
  const problem: Problem = typeof body.detail === "string" ? { title: body.title, detail: body.detail } : { title: body.title };
  return new ApiError(status, problem, typeof body.type === "string" ? body.type : undefined);
}
