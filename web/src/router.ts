import { signal } from "@preact/signals";
import { NO_FILTER, type Filter } from "./events/feed";

/**
 * What the address asks for: the list, filtered, or a day of a camera (the one
 * that holds a time, in milliseconds since 1970; absent is today), or a camera live, or one event over them.
 */
export type Page = { name: "home"; filter: Filter } | { name: "camera"; camera: string; at?: number } | { name: "live"; camera: string };
export type Route = Page | { name: "event"; id: string };

export function parseRoute(hash: string): Route {
  const event = /^#\/events\/([0-9A-Z]{26})$/.exec(hash);
  if (event?.[1]) return { name: "event", id: event[1] };
  const camera = /^#\/cameras\/([\w.:-]{1,129})(?:\?t=([\d:TZ.-]+))?$/.exec(hash);
  if (camera?.[1]) {
    const at = timeIn(camera[2]);
    return { name: "camera", camera: camera[1], ...(at === undefined ? {} : { at }) };
  }
  const live = /^#\/cameras\/([\w.:-]{1,129})\/live$/.exec(hash);
  if (live?.[1]) return { name: "live", camera: live[1] };
  const query = new URLSearchParams(hash.startsWith("#/?") ? hash.slice(3) : "");
  return {
    name: "home",
    filter: {
      camera: query.get("camera") ?? "",
      label: query.get("label") ?? "",
      severity: query.get("severity") === "alert" ? "alert" : "",
    },
  };
}

export function homeHash(filter: Filter): string {
  const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value !== "")).toString();
  return query ? `#/?${query}` : "#/";
}

export const eventHash = (id: string): string => `#/events/${id}`;

/** Of a camera's day: today, the local day yyyy-mm-dd, or at a time. */
export function cameraHash(camera: string, at?: string | Date): string {
  const time = at instanceof Date ? at.toISOString() : at;
  return `#/cameras/${camera}${time ? `?t=${time}` : ""}`;
}

/** Of a camera, live. */
export const liveHash = (camera: string): string => `#/cameras/${camera}/live`;

/** A local day or a time; undefined for anything else. */
function timeIn(text: string | undefined): number | undefined {
  const day = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text ?? "");
  const at = day ? new Date(Number(day[1]), Number(day[2]) - 1, Number(day[3])).getTime() : Date.parse(text ?? "");
  return Number.isFinite(at) ? at : undefined;
}

/** Keeps the route in the address's fragment, so that back and reload work. */
export class Router {
  readonly route = signal<Route>({ name: "home", filter: NO_FILTER });
  /** The page that an event lies over, or that is the route itself. */
  readonly page = signal<Page>({ name: "home", filter: NO_FILTER });
  #cameFromPage = false;

  constructor(private readonly win: Window) {
    this.#read();
    win.addEventListener("hashchange", () => {
      this.#cameFromPage = this.route.value.name !== "event";
      this.#read();
    });
  }

  go(hash: string): void {
    this.win.location.hash = hash;
  }

  /** Goes to another event in place of this one. */
  replace(hash: string): void {
    const fromPage = this.#cameFromPage;
    this.win.history.replaceState(null, "", hash);
    this.#read();
    this.#cameFromPage = fromPage;
  }

  /** Leaves an event for the page it was opened from. */
  leave(filter: Filter): void {
    if (this.#cameFromPage) this.win.history.back();
    else this.replace(homeHash(filter));
  }

  #read(): void {
    const route = parseRoute(this.win.location.hash);
    if (route.name !== "event") this.page.value = route;
    this.route.value = route;
  }
}
