import Hls, { ErrorDetails, ErrorTypes, Events, type ErrorData, type LevelDetails } from "hls.js";
import type { Engine, Fault, Opening } from "./engine";
import { piecesOf, secondsAt, type Piece } from "./pieces";

/** Plays with hls.js over Media Source Extensions. A chunk of its own: only this file imports hls.js. */
export function openHls({ video, url, at, spans, bounds, onReady, onFault }: Opening): Engine {
  let details: LevelDetails | undefined;
  let recovered = false;
  // Near enough to begin loading there; the playlist then tells exactly.
  const near = at !== undefined && bounds ? secondsAt(piecesOf(spans, bounds), at) : undefined;
  const hls = new Hls({
    // A worker would have to be made from a blob, and takes no work off here:
    // fragmented MP4 goes to the browser as it is.
    enableWorker: false,
    lowLatencyMode: false,
    // A replay begins at its beginning, also when more is still being added.
    startPosition: near ?? 0,
    maxBufferLength: 20,
    maxMaxBufferLength: 30,
    backBufferLength: 60,
    capLevelToPlayerSize: false,
  });

  const pieces = (): readonly Piece[] => (details ? piecesIn(details, spans, bounds) : []);

  hls.on(Events.LEVEL_LOADED, (_, data) => ({ details } = data));
  // Fragments move when hls.js has seen the times inside them.
  hls.on(Events.LEVEL_UPDATED, (_, data) => ({ details } = data));
  hls.on(Events.LEVEL_PTS_UPDATED, (_, data) => ({ details } = data));
  hls.on(Events.ERROR, (_, data) => {
    // hls.js would ask again for half a minute, which an expired address does not mend.
    if (isRefusal(data)) return onFault("refused");
    if (!data.fatal) return;
    if (data.type === ErrorTypes.MEDIA_ERROR && !unknownCodec(data) && !recovered) {
      recovered = true;
      hls.recoverMediaError();
      return;
    }
    onFault(faultOf(data));
  });
  const abort = new AbortController();
  const on = (name: string, callback: () => void) => video.addEventListener(name, callback, { signal: abort.signal });
  on("loadedmetadata", () => {
    const start = at === undefined ? undefined : secondsAt(pieces(), at);
    if (start !== undefined) video.currentTime = start;
  });
  on("loadeddata", onReady);
  hls.loadSource(url);
  hls.attachMedia(video);

  return {
    pieces,
    live: () => details?.live ?? false,
    resume: () => hls.startLoad(),
    stop() {
      abort.abort();
      hls.destroy();
      video.removeAttribute("src");
      video.load();
    },
  };
}

function piecesIn(details: LevelDetails, spans: Opening["spans"], bounds: Opening["bounds"]): readonly Piece[] {
  const pieces: Piece[] = [];
  for (const fragment of details.fragments) {
    const date = fragment.programDateTime;
    if (date === null) return bounds ? piecesOf(spans.length > 0 ? spans : [bounds], bounds) : [];
    pieces.push({ start: fragment.start, date, length: fragment.duration * 1000 });
  }
  return pieces;
}

const unknownCodec = ({ details }: ErrorData): boolean =>
  details === ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR ||
  details === ErrorDetails.BUFFER_ADD_CODEC_ERROR ||
  details === ErrorDetails.BUFFER_INCOMPATIBLE_CODECS_ERROR;

function isRefusal({ type, response }: ErrorData): boolean {
  const status = response?.code ?? 0;
  return type === ErrorTypes.NETWORK_ERROR && status >= 400 && status < 500 && status !== 429;
}

function faultOf(data: ErrorData): Fault {
  if (unknownCodec(data)) return "codec";
  return data.type === ErrorTypes.NETWORK_ERROR ? "unreachable" : "broken";
}
