import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Camera, CameraEvent } from "../src/api/types";
import { scene } from "./scene";
import { MockSignaling } from "./signaling";
import { MockVideo } from "./video";

/**
 * Stands in for the server while the app is being worked on and in the
 * browser test: /config.json, a sign-in that asks nothing, and /v1. It checks
 * what the app must get right: PKCE, the redirect address, the access token.
 */
export class Mock {
  cameras: Camera[] = [
    {
      camera: "home.front-door", thing: "home", name: "front-door", online: true, state: "running",
      detector: { model: "yolox-nano", weak: false },
    },
    {
      camera: "home.garden", thing: "home", name: "garden", online: true, state: "running",
      detector: { model: "opencv-people", weak: true },
    },
    {
      camera: "garage.drive_way", thing: "garage", name: "drive_way", online: true, state: "failed",
      message: "The camera at 192.168.1.40 refuses the password. Set the right one in porchlight.yaml.",
      detector: { model: "yolox-nano", weak: false },
    },
  ];
  events: CameraEvent[] = [];
  /** When set, every answer of the API is this problem. */
  broken: { status: number; title: string; detail: string } | undefined;
  /** Pictures answer 403 until their event has been asked for again. */
  expirePictures = false;
  /** Seconds an access token lives. */
  tokenLife = 3600;
  readonly video = new MockVideo();
  readonly signaling = new MockSignaling();
  /** When set, why no camera can be seen live. */
  noLive: string | undefined;
  /** Every request to the API and the token endpoint, for tests to count. */
  readonly seen: string[] = [];

  readonly #codes = new Map<string, { challenge: string; nonce: string; redirect: string }>();
  readonly #access = new Set<string>();
  readonly #refresh = new Set<string>();
  readonly #renewed = new Set<string>();

  /** Past events, some minutes to days old. */
  populate(n: number): void {
    for (let i = 0; i < n; i++) {
      const at = Date.now() - (i === 0 ? 9_000 : i * i * 90_000 + i * 413_000);
      const event = this.#make(at, i, i === 0 ? undefined : 4 + ((i * 37) % 95));
      this.events.push(event);
      this.video.record(event.camera, at - 5_000, event.ended_at ? Date.parse(event.ended_at) + 8_000 : Infinity);
    }
  }

  /** A new event begins, and the one before it ends. */
  happen(): CameraEvent {
    for (const event of this.events) if (event.state !== "ended") this.end(event.event_id);
    const event = this.#make(Date.now(), this.events.length, undefined);
    this.events.unshift(event);
    this.video.record(event.camera, Date.now() - 5_000, Infinity);
    return event;
  }

  end(id: string): void {
    const event = this.events.find((e) => e.event_id === id);
    if (!event) return;
    const at = new Date().toISOString();
    Object.assign(event, { sequence: event.sequence + 1, state: "ended", updated_at: at, ended_at: at });
    this.video.end(event.camera);
  }

  /** Makes every access token in use one that the API refuses. */
  revokeAccess(): void {
    this.#access.clear();
  }

  revokeAll(): void {
    this.#access.clear();
    this.#refresh.clear();
  }

  /** Answers the request if it is one of the server's own; says whether it was. */
  async handle(req: IncomingMessage, res: ServerResponse): Promise<boolean> {
    const url = new URL(req.url ?? "/", `http://${req.headers.host}`);
    const json = (status: number, body: unknown, type = "application/json") => {
      res.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(JSON.stringify(body));
      return true;
    };
    if (url.pathname === "/config.json") {
      return json(200, { issuer: `${url.origin}/oidc`, client_id: "app", scope: "openid email" });
    }
    if (url.pathname.startsWith("/oidc/")) return this.#signIn(req, res, url, json);
    if (url.pathname.startsWith("/pictures/")) return this.#picture(res, url);
    if (this.video.serve(url, res)) return true;
    if (url.pathname === "/gateway") {
      res.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(readFileSync(new URL("gateway.html", import.meta.url)));
      return true;
    }
    if (!url.pathname.startsWith("/v1/")) return false;

    this.seen.push(`${req.method} ${url.pathname}${url.search}`);
    const problem = (status: number, title: string, detail: string, type = "about:blank") =>
      json(status, { type, title, status, detail }, "application/problem+json");
    if (this.broken) return problem(this.broken.status, this.broken.title, this.broken.detail);
    const token = /^Bearer (.+)$/.exec(req.headers.authorization ?? "")?.[1] ?? "";
    if (!this.#access.has(token)) return problem(401, "Not signed in", "The access token is not valid. Sign in again.");

    if (url.pathname === "/v1/cameras") return json(200, { cameras: this.cameras });
    if (url.pathname === "/v1/events") return json(200, this.#list(url));
    const [, , kind, name = "", what] = url.pathname.split("/");
    if (kind === "cameras") {
      const camera = this.cameras.find((c) => c.camera === decodeURIComponent(name));
      if (!camera) return problem(404, "No such camera", "It may have been removed.");
      if (what === "live") {
        if (req.method !== "POST") return problem(405, "Not that way", "Ask with POST.");
        const why = this.noLive ?? (camera.online && camera.state === "running" ? undefined : "The camera is offline or private.");
        if (why !== undefined) return problem(404, "The camera cannot be seen live just now", why, "no-live");
        return json(200, this.signaling.session(camera.camera, url));
      }
      const answer = await this.video.camera(camera.camera, what, url);
      return answer ? json(200, answer) : problem(404, "No video", "There is no video of that time.", "no-video");
    }
    const id = name;
    const event = this.events.find((e) => e.event_id === id);
    if (!event) return problem(404, "No such event", "It may have passed its keeping time.");
    if (what) {
      const answer = await this.video.event(event, what, url);
      return answer ? json(200, answer) : problem(404, "No video", "There is no video of that event, or not yet.", "no-video");
    }
    this.#renewed.add(id);
    return json(200, this.#signed(event));
  }

  #list(url: URL): { events: CameraEvent[]; next_cursor?: string } {
    const [camera, label, severity] = ["camera", "label", "severity"].map((name) => url.searchParams.get(name));
    const [from = -Infinity, to = Infinity] = ["from", "to"].map((name) => Date.parse(url.searchParams.get(name) ?? "") || undefined);
    const limit = Number(url.searchParams.get("limit") ?? 50);
    const before = url.searchParams.get("cursor") ?? "~";
    const found = this.events
      .filter((e) => e.event_id < before && (!camera || e.camera === camera) && (!label || label in e.labels))
      .filter((e) => !severity || e.severity === severity)
      .filter((e) => Date.parse(e.started_at) >= from && Date.parse(e.started_at) < to)
      .sort((a, b) => (a.event_id < b.event_id ? 1 : -1));
    const events = found.slice(0, limit);
    const last = events.at(-1);
    return {
      events: events.map((e) => this.#signed(e)),
      ...(found.length > limit && last ? { next_cursor: last.event_id } : {}),
    };
  }

  /** Signed anew on every answer, as the real ones are. */
  #signed(event: CameraEvent): CameraEvent {
    const expired = this.expirePictures && !this.#renewed.has(event.event_id);
    const query = `${expired ? "expired=1&" : ""}s=${randomBytes(6).toString("hex")}`;
    return { ...event, thumbnail_url: `/pictures/${event.event_id}.svg?${query}` };
  }

  #picture(res: ServerResponse, url: URL): boolean {
    const event = this.events.find((e) => url.pathname.includes(e.event_id));
    if (!event || url.searchParams.has("expired")) {
      res.writeHead(403).end();
      return true;
    }
    const hour = new Date(event.started_at).getHours();
    const height = event.camera === "home.garden" ? 480 : 360; // one camera of the old shape
    const picture = scene(event.box, hour < 7 || hour > 18, 640, height);
    res.writeHead(200, { "content-type": "image/svg+xml" }).end(picture);
    return true;
  }

  async #signIn(req: IncomingMessage, res: ServerResponse, url: URL, json: (status: number, body: unknown) => boolean): Promise<boolean> {
    const issuer = `${url.origin}/oidc`;
    const query = url.searchParams;
    switch (url.pathname) {
      case "/oidc/.well-known/openid-configuration":
        return json(200, {
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          end_session_endpoint: `${issuer}/logout`,
        });
      case "/oidc/authorize": {
        const redirect = query.get("redirect_uri") ?? "";
        if (redirect !== `${url.origin}/` || query.get("code_challenge_method") !== "S256") {
          return json(400, { error: "invalid_request" });
        }
        const code = randomBytes(12).toString("hex");
        this.#codes.set(code, { challenge: query.get("code_challenge") ?? "", nonce: query.get("nonce") ?? "", redirect });
        const back = new URLSearchParams({ code, state: query.get("state") ?? "", iss: issuer });
        res.writeHead(302, { location: `${redirect}?${back}` }).end();
        return true;
      }
      case "/oidc/token": {
        this.seen.push("POST /oidc/token");
        let text = "";
        for await (const chunk of req) text += String(chunk);
        const form = new URLSearchParams(text);
        let nonce = "";
        if (form.get("grant_type") === "refresh_token") {
          if (!this.#refresh.delete(form.get("refresh_token") ?? "")) return json(400, { error: "invalid_grant" });
        } else {
          const code = form.get("code") ?? "";
          const known = this.#codes.get(code);
          this.#codes.delete(code);
          const challenge = createHash("sha256").update(form.get("code_verifier") ?? "").digest("base64url");
          if (known?.challenge !== challenge || known.redirect !== form.get("redirect_uri")) {
            return json(400, { error: "invalid_grant", error_description: "the code or its verifier is wrong" });
          }
          ({ nonce } = known);
        }
        return json(200, this.#issue(issuer, nonce));
      }
      case "/oidc/logout":
        this.revokeAll();
        res.writeHead(302, { location: query.get("post_logout_redirect_uri") ?? "/" }).end();
        return true;
      default:
        return json(404, {});
    }
  }

  #issue(issuer: string, nonce: string): Record<string, unknown> {
    const [access, refresh] = [randomBytes(12).toString("hex"), randomBytes(12).toString("hex")];
    this.#access.add(access);
    this.#refresh.add(refresh);
    const exp = Math.floor(Date.now() / 1000) + this.tokenLife;
    const claims = { iss: issuer, aud: "app", sub: "alice", email: "alice@example.com", exp, ...(nonce ? { nonce } : {}) };
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    return {
      access_token: access,
      refresh_token: refresh,
      id_token: `${part({ alg: "none" })}.${part(claims)}.`,
      token_type: "Bearer",
      expires_in: this.tokenLife,
    };
  }

  #make(at: number, i: number, seconds: number | undefined): CameraEvent {
    const x = 0.2 + ((i * 29) % 45) / 100;
    const started = new Date(at).toISOString();
    const ended = seconds === undefined ? undefined : new Date(at + seconds * 1000).toISOString();
    const score = 0.6 + ((i * 17) % 39) / 100;
    return {
      event_id: ulid(at),
      sequence: ended ? 3 : 1,
      state: ended ? "ended" : "started",
      camera: this.cameras[i % 2]?.camera ?? "home.front-door",
      started_at: started,
      updated_at: ended ?? started,
      ...(ended ? { ended_at: ended } : {}),
      severity: i % 4 === 2 ? "detection" : "alert",
      ...(i % 4 === 1 ? { cloud_labels: { person: 0.97, jacket: 0.71 } } : {}),
      labels: i % 5 === 3 ? { person: score, dog: score - 0.1 } : { person: score },
      zones: i % 3 === 0 ? ["porch"] : [],
      ...(i % 6 === 3 ? { appeared: ["porch"] } : {}),
      score,
      box: [x, 0.3, x + 0.13, 0.88],
      faces: [],
      model: i % 2 ? "opencv-people" : "yolox-nano",
    };
  }
}

/** A ULID for a time in milliseconds: https://github.com/ulid/spec */
function ulid(at: number): string {
  const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  let time = "";
  for (let i = 0, rest = at; i < 10; i++, rest = Math.floor(rest / 32)) time = `${digits[rest % 32]}${time}`;
  return time + Array.from(randomBytes(16), (byte) => digits[byte % 32]).join("");
}
