/**
 * Every text the app shows, in one place; those of live view are in
 * live/messages.ts, which is loaded with it. A translation is another object of
 * the type Messages; nothing else in the app holds words.
 */

const plural = new Intl.PluralRules("en");
const count = (n: number, one: string, other: string): string =>
  `${n} ${plural.select(n) === "one" ? one : other}`;

const list = (names: string[]): string => new Intl.ListFormat("en", { type: "conjunction" }).format(names);

export const en = {
  /** The language of the texts, for dates and numbers beside them. */
  locale: "en",
  app: "Porchlight",
  title: (news: number) => (news > 0 ? `(${news}) Porchlight` : "Porchlight"),

  signIn: {
    heading: "Porchlight",
    lead: "See who came to the door, the moment it happens.",
    button: "Sign in",
    busy: "Opening the sign-in…",
    starting: "Loading Porchlight…",
    footnote: "Your pictures stay in your own account.",
  },
  account: { signedInAs: (name: string) => `Signed in as ${name}`, signOut: "Sign out" },
  skip: "Skip to events",

  status: { connecting: "Connecting", live: "Live", retrying: "Reconnecting" },

  cameras: {
    heading: "Cameras",
    online: "Online",
    offline: "Offline",
    failed: "Not working",
    offlineHint: "The gateway is not connected. Check its power and its network.",
    state: {
      connecting: "Connecting to the camera…",
      running: "Watching",
      ended: "The recording has played to its end",
      private: "Privacy mode is on: nothing is looked at",
    },
    private: "Private",
    failedHint: "The camera did not say why. Look at the gateway's log.",
    detector: (model: string) => `Detector ${model}`,
    lastEvent: (when: string) => `Last event ${when}`,
    showEvents: (camera: string) => `Show only events of ${camera}`,
    empty: "No cameras yet",
    emptyHint: "A camera shows up here as soon as its gateway has connected.",
    weakTitle: "Basic people detector in use",
    weakText: (cameras: string) =>
      `${cameras}: only people are found, and less reliably. To find pets and vehicles too, run this on the gateway and start it again:`,
    weakCommand: "porchlight models pull yolox-nano",
    copy: "Copy command",
    copied: "Copied",
  },

  events: {
    heading: "Events",
    filterCamera: "Camera",
    filterLabel: "What was seen",
    allCameras: "All cameras",
    allLabels: "Everything",
    filterSeverity: "Alerts",
    allSeverities: "All events",
    onlyAlerts: "Only alerts",
    clear: "Clear filters",
    empty: "Nothing has happened yet",
    emptyHint: "When a camera sees someone, it shows up here within seconds. You can leave this page open.",
    emptyFiltered: "Nothing matches these filters",
    older: "Show older events",
    loadingOlder: "Loading older events…",
    loading: "Loading events",
    end: "That is everything that was kept.",
    alert: "Alert",
    ongoing: "Happening now",
    lasted: (duration: string) => `Lasted ${duration}`,
    noPicture: "No picture",
    pictureOf: (what: string, camera: string) => `${what} at ${camera}`,
    announce: (what: string, camera: string) => `New event: ${what} at ${camera}`,
    announceAlert: (what: string, camera: string) => `New alert: ${what} at ${camera}`,
    announceMany: (n: number) => `${count(n, "new event", "new events")}`,
    unlabelled: "Something",
    /** Several labels as one thing: "Person and dog". */
    what: (names: string[]) => {
      const text = list(names);
      return text.charAt(0) + text.slice(1).toLowerCase();
    },
  },

  event: {
    heading: "Event",
    close: "Close",
    newer: "Newer event",
    older: "Older event",
    seen: "Seen",
    kind: "Kind",
    detection: "Detection",
    camera: "Camera",
    started: "Started",
    ended: "Ended",
    duration: "Duration",
    updated: "Last update",
    zones: "Zones",
    appeared: "Left behind in",
    removed: "Taken away from",
    faces: "Faces",
    stranger: "Unknown person",
    model: "Detector",
    id: "Event",
    sure: "sure",
    loading: "Loading the event",
    secondLook: "Second opinion, from the cloud",
    wholeDay: "See the whole day",
  },

  video: {
    play: "Play video",
    of: (what: string, camera: string) => `Video: ${what} at ${camera}`,
    ofCamera: (camera: string) => `Video of ${camera}`,
    opening: "Opening the video…",
    toStart: "Event start",
    toNow: "To now",
    backToPicture: "Back to the picture",
    speed: "Speed",
    rate: (rate: number) => `Speed ${rate}×`,
    recorded: "Recorded",
    waiting: {
      title: "The video is not there yet",
      detail: "It arrives within seconds as a rule, later when the connection at home is slow. It starts by itself.",
    },
    none: {
      title: "There is no video of this event",
      detail: "It was not recorded, or has not been sent yet. What is missing after an outage is sent later by itself.",
    },
    gone: {
      title: "The video is no longer kept",
      detail: "Video is kept for a shorter time than events. How long is set on the gateway.",
    },
    noneThen: {
      title: "There is no video of that time",
      detail: "It was not recorded, or is no longer kept.",
    },
    unplayable: {
      title: "This browser cannot play this video",
      detail: "The camera records in a format it does not know, H.265 most likely. Save it and play it with another program, or set the camera to H.264.",
    },
    broken: {
      title: "The video cannot be played",
      detail: "Something in it is broken. Save it and try another program.",
    },
    refused: {
      title: "The video would not open",
      detail: "Its address was refused. It is tried again by itself.",
    },
    unreachable: {
      title: "The video cannot be reached",
      detail: "Check this device's connection. It is tried again by itself.",
    },
    skipped: (from: string, to: string) => `No video from ${from} to ${to}: skipped`,
  },

  save: {
    button: "Save as MP4",
    preparing: "The file is being prepared…",
    done: (size: string) => `Saving the file, ${size}.`,
    link: "Nothing happened? Get it here",
    cancel: "Cancel",
    part: "Save a part",
    partHeading: "Save a part of the day",
    from: "From",
    to: "To",
    here: (field: string) => `${field}: take the time shown`,
    take: "Time shown",
    wrongOrder: "The end must be later than the start.",
    tooLong: "At most one hour can be saved at once.",
    noVideo: "There is no video of that time.",
    hint: "Pauses in the recording are left out.",
    size: (bytes: number) =>
      bytes < 1_000_000 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`,
  },

  live: {
    open: "Live",
    openOf: (camera: string) => `Live video of ${camera}`,
    loading: "Opening the live view…",
    notLoaded: {
      title: "A part of the app could not be loaded",
      detail: "Check this device's connection, then load the page again.",
    },
    reload: "Load the page again",
  },

  day: {
    open: "Recordings",
    openOf: (camera: string) => `Recordings of ${camera}`,
    back: "Home",
    choose: "Day",
    previous: "The day before",
    next: "The day after",
    timeline: "Time of the day",
    loading: "Looking for video…",
    empty: "No video of this day",
    emptyHint: "Nothing was recorded, or it is no longer kept. Choose another day.",
    play: "Play",
    video: "video",
    noVideo: "no video",
    legendVideo: "Video",
    legendAlert: "Alert",
    legendDetection: "Detection",
    zoom: "Shown",
    spans: { day: "Whole day", hours: "6 hours", hour: "1 hour", minutes: "10 minutes" },
    previousEvent: "Event before",
    nextEvent: "Event after",
    newest: "That is the newest video. It goes on when there is more.",
    over: "That is the end of this day's video.",
    events: "Events of the day",
    noEvents: "No events on this day",
    details: "Details",
    detailsOf: (what: string, when: string) => `Details: ${what}, ${when}`,
  },

  labels: {
    person: "Person",
    face: "Face",
    bicycle: "Bicycle",
    car: "Car",
    motorcycle: "Motorcycle",
    motorbike: "Motorcycle",
    bus: "Bus",
    truck: "Truck",
    bird: "Bird",
    cat: "Cat",
    dog: "Dog",
    horse: "Horse",
    package: "Package",
  } as Record<string, string>,

  time: {
    today: "Today",
    yesterday: "Yesterday",
    justNow: "just now",
    seconds: (n: number) => `${n} s`,
    minutes: (m: number, s: number) => (s === 0 ? `${m} min` : `${m} min ${s} s`),
    hours: (h: number, m: number) => (m === 0 ? `${h} h` : `${h} h ${m} min`),
  },

  list,
  retry: "Try again",
  tryNow: "Try now",

  /** Each problem says its cause, then its cure. */
  problem: {
    unreachable: {
      title: "Porchlight cannot be reached",
      detail: "Check this device's connection and that Porchlight is running. It keeps trying by itself.",
    },
    timeout: {
      title: "Porchlight takes too long to answer",
      detail: "The connection may be slow or the server busy. It keeps trying by itself.",
    },
    unexpected: {
      title: "Porchlight gave an answer the app does not understand",
      detail: "The app may be older than the server. Load the page again.",
    },
    status: (status: number) => ({
      title: `The server answered with error ${status}`,
      detail: "Try again in a moment. If it stays, look at the server's log.",
    }),
    noConfig: {
      title: "The app has no valid configuration",
      detail: "/config.json must name issuer and client_id. Whoever runs Porchlight can mend this.",
    },
    eventGone: {
      title: "This event is not here any more",
      detail: "It may have passed its keeping time, or it belongs to someone else.",
    },
    signInEnded: { title: "Your sign-in has ended", detail: "Sign in again to go on." },
    insecure: {
      title: "This address is not safe to sign in at",
      detail: "Open Porchlight through https, or as http://localhost on the machine it runs on.",
    },
    signInUnreachable: {
      title: "The sign-in service cannot be reached",
      detail: "Check this device's connection and try again.",
    },
    signInRefused: (reason: string) => ({
      title: "Signing in did not work",
      detail: `The sign-in service said: ${reason}. Try again.`,
    }),
    signInStale: {
      title: "This sign-in was not started here",
      detail: "It may have been opened twice or in another tab. Sign in again.",
    },
    signInInvalid: (what: string) => ({
      title: "The sign-in could not be trusted",
      detail: `The sign-in service's answer failed a check (${what}). Check this device's clock and try again.`,
    }),
  },
};

export type Messages = typeof en;

export const t: Messages = en;

/** The words for a label of a detector, as the model's label file spells it. */
export function labelName(label: string): string {
  const known = t.labels[label];
  if (known !== undefined) return known;
  const words = label.replace(/[-_]+/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
