import type { Engine, Opening } from "./engine";
import { piecesOf, secondsAt, type Piece } from "./pieces";

/** Safari's: the time of the first picture, an invalid date when the playlist tells none. */
type Dated = HTMLVideoElement & { getStartDate?: () => Date };

/** Plays with the browser's own HLS. */
export function openNative({ video, url, at, spans, bounds, onReady, onFault }: Opening): Engine {
  let loaded = false;
  const abort = new AbortController();
  const on = (name: string, callback: () => void) => video.addEventListener(name, callback, { signal: abort.signal });

  const pieces = (): readonly Piece[] => {
    if (!loaded) return [];
    const date = (video as Dated).getStartDate?.().getTime();
    const from = date !== undefined && Number.isFinite(date) ? date : bounds?.from;
    if (from === undefined) return [];
    const to = bounds?.to ?? Date.now();
    const known = piecesOf(spans, { from, to });
    const length = Number.isFinite(video.duration) ? video.duration * 1000 : to - from;
    return known.length > 0 ? known : [{ start: 0, date: from, length }];
  };

  on("loadedmetadata", () => {
    loaded = true;
    const start = at === undefined ? undefined : secondsAt(pieces(), at);
    if (start) video.currentTime = start;
  });
  on("loadeddata", onReady);
  on("error", () => {
    switch (video.error?.code) {
      case MediaError.MEDIA_ERR_NETWORK:
        return onFault("unreachable");
      case MediaError.MEDIA_ERR_DECODE:
        return onFault("broken");
      default: // refused and unknown look the same from here; what once played was not unknown
        return onFault(loaded ? "refused" : "codec");
    }
  });
  video.src = url;

  return {
    pieces,
    live: () => loaded && !Number.isFinite(video.duration),
    resume() {}, // it does so by itself
    stop() {
      abort.abort();
      video.removeAttribute("src");
      video.load();
    },
  };
}
