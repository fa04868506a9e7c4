import { signal } from "@preact/signals";
import { NO_FILTER, type Filter } from "./events/feed";

/** What the address asks for: the list, filtered, or one event over it. */
export type Route = { name: "home"; filter: Filter } | { name: "event"; id: string };

export function parseRoute(hash: string): Route {
  const event = /^#\/events\/([0-9A-Z]{26})$/.exec(hash);
  if (event?.[1]) return { name: "event", id: event[1] };
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

/** Keeps the route in the address's fragment, so that back and reload work. */
export class Router {
  readonly route = signal<Route>({ name: "home", filter: NO_FILTER });
  #cameFromHome = false;

  constructor(private readonly win: Window) {
    this.#read();
    win.addEventListener("hashchange", () => {
      this.#cameFromHome = this.route.value.name === "home";
      this.#read();
    });
  }

  go(hash: string): void {
    this.win.location.hash = hash;
  }

  /** Goes to another event in place of this one. */
  replace(hash: string): void {
    const fromHome = this.#cameFromHome;
    this.win.history.replaceState(null, "", hash);
    this.#read();
    this.#cameFromHome = fromHome;
  }

  /** Leaves an event for the list it was opened from. */
  leave(filter: Filter): void {
    if (this.#cameFromHome) this.win.history.back();
    else this.replace(homeHash(filter));
  }

  #read(): void {
    this.route.value = parseRoute(this.win.location.hash);
  }
}
