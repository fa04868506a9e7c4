import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { CameraEvent, ClipFile, Playback, Recordings } from "../src/api/types";

const run = promisify(execFile);

/** Length of a fragment in milliseconds, and how many there are before the footage begins again. */
const FRAGMENT = 2_000;
const COUNT = 15;

interface Span {
  from: number;
  to: number;
}

/** What a session token stands for; live ones go on as long as their recording does. */
interface Session extends Span {
  camera: string;
  live: boolean;
}

/** Fragmented MP4 with a clock in the picture, made by ffmpeg. */
interface Footage {
  init: Buffer;
  fragments: Buffer[];
  file: Buffer;
}

/** The video part of the mock: HLS with gaps, sessions that expire, files. Without ffmpeg there is none. */
export class MockVideo {
  /** Where video is served, when not by the mock's own server; its requests go to serve. */
  origin: string | undefined;
  /** What the playlists say of their codecs. */
  codecs = "avc1.42c01e";
  /** Events and cameras without video, as if it were still on its way. */
  readonly missing = new Set<string>();
  /** Recordings told of in one answer. */
  ranges = 50;
  /** Milliseconds that a file takes to be prepared. */
  preparing = 0;
  /** Playlists asked for so far. */
  opened = 0;

  readonly #recorded = new Map<string, Span[]>();
  readonly #sessions = new Map<string, Session>();
  #footage: Promise<Footage> | undefined;

  /** There is video of a camera from one time to the other, which may be Infinity: it goes on. */
  record(camera: string, from: number, to: number): void {
    const spans = [...(this.#recorded.get(camera) ?? []), { from, to }].sort((a, b) => a.from - b.from);
    const joined: Span[] = [];
    for (const span of spans) {
      const last = joined.at(-1);
      if (last && span.from <= last.to) last.to = Math.max(last.to, span.to);
      else joined.push({ ...span });
    }
    this.#recorded.set(camera, joined);
  }

  /** What a camera records now ends. */
  end(camera: string): void {
    for (const span of this.#recorded.get(camera) ?? []) span.to = Math.min(span.to, Date.now());
  }

  /** Forgets all recordings of a camera. */
  erase(camera: string): void {
    this.#recorded.delete(camera);
  }

  /** Makes every address given out so far one that is refused. */
  expire(): void {
    this.#sessions.clear();
  }

  async event(event: CameraEvent, what: string, url: URL): Promise<Playback | ClipFile | undefined> {
    if (this.missing.has(event.event_id)) return undefined;
    const live = event.state !== "ended";
    const from = Date.parse(event.started_at) - 5_000;
    const to = live ? Date.now() : Date.parse(event.ended_at ?? "") + 8_000;
    return this.#answer({ camera: event.camera, from, to, live }, what, url);
  }

  async camera(camera: string, what: string | undefined, url: URL): Promise<Playback | ClipFile | Recordings | undefined> {
    const [from = 0, to = 0] = ["from", "to"].map((name) => Date.parse(url.searchParams.get(name) ?? ""));
    if (what === "recordings") {
      const ranges = this.#within({ camera, from, to, live: false });
      const told = ranges.slice(0, this.ranges).map((span) => ({ from: iso(span.from), to: iso(span.to) }));
      const next = ranges[this.ranges];
      return { camera, ranges: told, ...(next ? { more_from: iso(next.from) } : {}) };
    }
    if (this.missing.has(camera)) return undefined;
    return this.#answer({ camera, from, to, live: false }, what, url);
  }

  /** Answers requests for playlists and media; false for any other. */
  serve(url: URL, res: ServerResponse): boolean {
    const path = /^\/video\/([0-9a-f]+)\/(\S+)$/.exec(url.pathname);
    if (!path) return false;
    void this.#serve(path[1] ?? "", path[2] ?? "", url, res);
    return true;
  }

  async #answer(session: Session, what: string | undefined, url: URL): Promise<Playback | ClipFile | undefined> {
    if (this.#within(session).length === 0 || !(await this.#film())) return undefined;
    const token = randomBytes(8).toString("hex");
    const base = `${this.origin ?? url.origin}/video/${token}`;
    const times = { expires_at: iso(Date.now() + 300_000), from: iso(session.from), to: iso(session.to) };
    if (what === "clip") {
      await new Promise((resolve) => setTimeout(resolve, this.preparing));
      this.#sessions.set(token, session);
      return { url: `${base}/clip.mp4`, bytes: (await this.#film())?.file.length ?? 0, ...times };
    }
    this.#sessions.set(token, session);
    return { protocol: "hls", url: `${base}/main.m3u8`, ...times };
  }

  async #serve(token: string, name: string, url: URL, res: ServerResponse): Promise<void> {
    const session = this.#sessions.get(token);
    const film = await this.#film();
    const send = (type: string, body: string | Buffer, headers: Record<string, string> = {}) =>
      res.writeHead(200, { "content-type": type, "access-control-allow-origin": "*", "cache-control": "no-store", ...headers }).end(body);
    if (!session || !film) {
      res.writeHead(403, { "access-control-allow-origin": "*" }).end();
      return;
    }
    const fragment = film.fragments[Number(url.searchParams.get("n"))];
    if (name === "main.m3u8") {
      this.opened++;
      const stream = `#EXT-X-STREAM-INF:BANDWIDTH=400000,CODECS="${this.codecs}",RESOLUTION=640x360`;
      send("application/x-mpegURL", `#EXTM3U\n#EXT-X-VERSION:7\n${stream}\nmedia.m3u8\n`);
    } else if (name === "media.m3u8") send("application/x-mpegURL", this.#playlist(session));
    else if (name === "init.mp4") send("video/mp4", film.init);
    else if (name === "fragment.mp4" && fragment) send("video/mp4", fragment);
    else if (name === "clip.mp4") {
      send("video/mp4", film.file, { "content-disposition": `attachment; filename="${session.camera}.mp4"` });
    } else res.writeHead(404, { "access-control-allow-origin": "*" }).end();
  }

  #playlist(session: Session): string {
    const lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-TARGETDURATION:2", "#EXT-X-MEDIA-SEQUENCE:0", "#EXT-X-INDEPENDENT-SEGMENTS"];
    if (!session.live) lines.push("#EXT-X-PLAYLIST-TYPE:VOD");
    lines.push('#EXT-X-MAP:URI="init.mp4"');
    const [from, to] = [session.from, session.live ? Date.now() : session.to];
    let first = true;
    let going = false;
    for (const span of this.#recorded.get(session.camera) ?? []) {
      const end = Math.min(to, span.to === Infinity ? Date.now() : span.to);
      const skip = Math.max(0, Math.floor((from - span.from) / FRAGMENT));
      for (let k = skip; span.from + k * FRAGMENT < end; k++) {
        const at = span.from + k * FRAGMENT;
        if (at + FRAGMENT > end && session.live) break; // not whole yet
        if (!first && (k === skip || k % COUNT === 0)) lines.push("#EXT-X-DISCONTINUITY");
        lines.push(`#EXT-X-PROGRAM-DATE-TIME:${iso(at)}`, "#EXTINF:2.000,", `fragment.mp4?n=${k % COUNT}&at=${at}`);
        first = false;
      }
      going ||= span.to === Infinity;
    }
    if (!session.live || !going) lines.push("#EXT-X-ENDLIST");
    return `${lines.join("\n")}\n`;
  }

  #within({ camera, from, to }: Session): Span[] {
    return (this.#recorded.get(camera) ?? [])
      .map((span) => ({ from: Math.max(span.from, from), to: Math.min(span.to, to, Date.now()) }))
      .filter((span) => span.to > span.from);
  }

  #film(): Promise<Footage | undefined> {
    this.#footage ??= film();
    return this.#footage.catch(() => undefined);
  }
}

const iso = (at: number): string => new Date(at).toISOString();

async function film(): Promise<Footage> {
  const folder = mkdtempSync(join(tmpdir(), "porchlight-footage-"));
  try {
    const seconds = (COUNT * FRAGMENT) / 1000;
    await run("ffmpeg", [
      ..."-v error -nostdin -f lavfi -i".split(" "), `testsrc=size=640x360:rate=10:duration=${seconds}`,
      ..."-c:v libx264 -profile:v baseline -level 3.0 -preset ultrafast -pix_fmt yuv420p -g 20 -keyint_min 20 -sc_threshold 0".split(" "),
      ..."-f hls -hls_time 2 -hls_playlist_type vod -hls_segment_type fmp4".split(" "),
      "-hls_fmp4_init_filename", "init.mp4", "-hls_segment_filename", join(folder, "%d.m4s"), join(folder, "all.m3u8"),
    ], { cwd: folder });
    const init = readFileSync(join(folder, "init.mp4"));
    const fragments = Array.from({ length: COUNT }, (_, n) => readFileSync(join(folder, `${n}.m4s`)));
    return { init, fragments, file: Buffer.concat([init, ...fragments]) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
