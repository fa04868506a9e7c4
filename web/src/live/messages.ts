import type { Phase } from "./connection";

const gateway = (text: string): string => (text ? `The gateway says: ${text}.` : "The gateway did not say why.");

/** Every text of live view, apart from ../messages.ts so that it is loaded with it. */
export const live = {
  of: (camera: string) => `Live video of ${camera}`,
  recordings: "Recordings",
  recordingsOf: (camera: string) => `Recordings of ${camera}`,

  badge: {
    live: "Live",
    behind: (seconds: number) => `Live, ${seconds} s behind`,
    behindUnknown: "Live, some seconds behind",
    still: "Not live",
    poster: (when: string) => `Picture of ${when}`,
    connecting: "Connecting",
  },
  phase: {
    session: "Asking Porchlight for the camera…",
    signaling: "Connecting to the exchange…",
    answer: "Waiting for the gateway's answer…",
    connect: "Finding a way to the camera…",
    picture: "Waiting for the first picture…",
  } satisfies Record<Phase, string>,
  reconnecting: "The connection broke off. Connecting again…",
  waiting: "The camera sends no pictures just now. They appear here when it does.",
  paused: "Paused while nobody was looking",
  resume: "Go on",
  fallback: "The direct way is not open yet, so this comes as a recording does: some seconds late. It is tried again by itself.",
  fallbackStays: "The direct way is not open, so this comes as a recording does: some seconds late.",

  unmute: "Sound on",
  mute: "Sound off",
  fullScreen: "Full screen",
  leaveFullScreen: "Leave full screen",
  pictureInPicture: "Small window",
  snapshot: "Take a picture",
  snapshotTaken: (file: string) => `Saved as ${file}`,
  snapshotFailed: "The picture could not be saved. This browser does not allow it here.",
  quality: "Quality",
  qualities: { auto: "Automatic", main: "Best", sub: "Small" },
  qualityRefused: (text: string) => `The quality stays as it is. ${gateway(text)}`,

  details: {
    heading: "Connection",
    phase: { session: "Porchlight answered", signaling: "Exchange connected", answer: "Gateway answered", connect: "Way found", picture: "First picture" } satisfies Record<Phase, string>,
    total: "From tap to picture",
    ms: (ms: number) => `${Math.round(ms)} ms`,
    way: "Way",
    direct: "Direct",
    relayed: "Through a relay",
    hls: "As a recording (HLS)",
    picture: "Picture",
    pictureOf: (width: number, height: number, fps: number) => `${width} × ${height}, ${Math.round(fps)} a second`,
    codec: "Format",
    stream: "Stream",
    rate: "Data rate",
    rateOf: (bits: number) => (bits < 1e6 ? `${Math.round(bits / 1e3)} kbit/s` : `${(bits / 1e6).toFixed(1)} Mbit/s`),
    trip: "Round trip",
    buffer: "Held back for smoothness",
    lost: "Lost packets",
    none: "Shown once there is a connection.",
  },

  problem: {
    offline: {
      title: "The camera is offline",
      detail: "Its gateway is not connected. Check its power and its network. The picture appears here when it is back.",
    },
    private: {
      title: "The camera is private now",
      detail: "Privacy mode is on, so nobody can look. The picture appears here when it is switched off.",
    },
    forbidden: {
      title: "You may not see this camera live",
      detail: "Ask the owner of the home to allow it.",
    },
    silent: {
      title: "The camera's gateway does not answer",
      detail: "It may be starting, switched off or without network. It is tried again by itself.",
    },
    full: {
      title: "Too many are watching",
      detail: "This camera shows itself to only so many at once. It is tried again by itself.",
    },
    codecOf: (text: string) => ({
      title: "This browser cannot show the camera live",
      detail: `${text ? gateway(text) : "The camera sends a format it does not know, H.265 most likely."} Set the camera to H.264 without B-frames, or watch its recordings.`,
    }),
    unsupported: {
      title: "This browser has no live video",
      detail: "It has no WebRTC, or something switched it off. Try another browser.",
    },
    noWay: {
      title: "There is no way to the camera",
      detail: "A firewall lets neither direct nor relayed video through. Try another network. It is tried again by itself.",
    },
    lost: {
      title: "The connection to the camera broke off",
      detail: "Check this device's connection. It is tried again by itself.",
    },
    replaced: {
      title: "This live view was opened elsewhere",
      detail: "It goes on there. Try again to have it here.",
    },
    noPicture: {
      title: "The gateway is connected, but no picture comes",
      detail: "The camera may be restarting. It is tried again by itself.",
    },
    signaling: {
      title: "The exchange cannot be reached",
      detail: "Something between this device and Porchlight blocks WebSocket connections. It is tried again by itself.",
    },
    refused: (text: string) => ({
      title: "The gateway did not let this viewer in",
      detail: `${gateway(text)} It is tried again by itself.`,
    }),
    failed: {
      title: "The live view did not work",
      detail: "It is tried again by itself.",
    },
  },
};
