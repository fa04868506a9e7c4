import type { Api } from "../api/client";
import type { PageWatch } from "../lib/poller";
import { openEngine } from "../playback/engine";
import type { LivePorts } from "./state";

/** What the network is over, where the browser tells: "wifi", "cellular". */
type Network = EventTarget & { type?: string };

/** The browser's own parts. */
export function browserPorts(api: Api, page: PageWatch): LivePorts {
  return {
    ask: (camera, signal) => api.viewCamera(camera, signal),
    askBehind: (camera, signal) => api.playNow(camera, signal),
    openEngine,
    page,
    openSocket: (url) => new WebSocket(url),
    newPeer,
    newStream: () => new MediaStream(),
    onNetwork,
    seenApart: () => Boolean(document.pictureInPictureElement),
    now: Date.now,
    clock: () => performance.now(),
    random: Math.random,
  };
}

/** Offers of video only what cameras send: a shorter offer is a faster one, and the service bounds it. */
const CODECS = /^video\/(H264|H265|VP8|rtx)$/i;

function newPeer(configuration: RTCConfiguration): RTCPeerConnection {
  const peer = new RTCPeerConnection(configuration);
  const add = peer.addTransceiver.bind(peer);
  peer.addTransceiver = (kind, init) => {
    const transceiver = add(kind, init);
    const codecs = kind === "video" ? RTCRtpReceiver.getCapabilities?.("video")?.codecs.filter(({ mimeType }) => CODECS.test(mimeType)) : undefined;
    if (codecs?.length) transceiver.setCodecPreferences?.(codecs);
    return transceiver;
  };
  return peer;
}

function onNetwork(callback: () => void): () => void {
  const network = (navigator as { connection?: Network }).connection;
  // It changes with each new estimate of its speed, too.
  let type = network?.type;
  const changed = () => {
    if (network?.type === type) return;
    type = network?.type;
    callback();
  };
  network?.addEventListener("change", changed);
  window.addEventListener("online", callback);
  return () => {
    network?.removeEventListener("change", changed);
    window.removeEventListener("online", callback);
  };
}
