import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { Mock } from "../../dev/mock";

/** A Chromium to test with; the tests are skipped, saying so, where there is none. */
export const chromiumPath = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"].find(
  (path): path is string => path !== undefined && existsSync(path),
);

/** The policy that README.md tells servers to send; nothing in the app may break it. */
const policy = (video: string): string =>
  [
    "default-src 'self'",
    `img-src 'self' blob: data: ${video}`,
    `connect-src 'self' ${video} ${video.replace(/^http/, "ws")}`,
    `media-src 'self' blob: ${video}`,
    "worker-src 'self' blob:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".webmanifest": "application/manifest+json",
};

export interface Site {
  origin: string;
  /** Where video and signaling come from: another origin, as in earnest. */
  video: string;
  mock: Mock;
  close(): Promise<void>;
}

/** Serves the built app over the mock and its video beside it, on free ports of the loopback. */
export async function serve(): Promise<Site> {
  const mock = new Mock();
  const dist = new URL("../../dist/", import.meta.url).pathname;
  const films = createServer((req, res) => {
    const url = new URL(req.url ?? "/", "http://host");
    if (mock.video.serve(url, res)) return;
    if (url.pathname === "/gateway") void mock.handle(req, res);
    else res.writeHead(404).end();
  });
  films.on("upgrade", (req, stream) => mock.signaling.upgrade(req, stream) || stream.destroy());
  const video = await listen(films);
  mock.video.origin = mock.signaling.origin = video;
  const server = createServer((req, res) => {
    void (async () => {
      if (await mock.handle(req, res)) return;
      const { pathname } = new URL(req.url ?? "/", "http://host");
      const file = pathname === "/" ? "index.html" : pathname.slice(1);
      try {
        const body = await readFile(join(dist, file));
        res.writeHead(200, {
          "content-type": types[extname(file)] ?? "application/octet-stream",
          "content-security-policy": policy(video),
        });
        res.end(body);
      } catch {
        res.writeHead(404).end();
      }
    })();
  });
  const origin = await listen(server);
  const close = async () => {
    mock.signaling.close();
    await Promise.all([stop(server), stop(films)]);
  };
  return { origin, video, mock, close };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
