import type { ReadonlySignal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Api } from "../api/client";
import type { Session } from "../auth/session";
import type { Cameras } from "../cameras/store";
import type { Feed } from "../events/feed";
import type { PageWatch } from "../lib/poller";
import type { Router } from "../router";

/** All that the pages share. */
export interface AppState {
  session: Session;
  api: Api;
  page: PageWatch;
  feed: Feed;
  cameras: Cameras;
  router: Router;
  /** The time, every few seconds, for "2 min ago". */
  clock: ReadonlySignal<Date>;
  signIn: () => Promise<void>;
  signOut: () => Promise<void>;
}

const Context = createContext<AppState | undefined>(undefined);

export const AppProvider = Context.Provider;

export function useApp(): AppState {
  const state = useContext(Context);
  if (!state) throw new Error("useApp outside of AppProvider");
  return state;
}
