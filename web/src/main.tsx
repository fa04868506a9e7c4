import { effect, signal, untracked } from "@preact/signals";
import { render } from "preact";
import { Api } from "./api/client";
import { Oidc } from "./auth/oidc";
import { Session } from "./auth/session";
import { Cameras } from "./cameras/store";
import { loadConfig } from "./config";
import { Feed } from "./events/feed";
import { browserPage } from "./lib/poller";
import { problemOf } from "./lib/problem";
import { t } from "./messages";
import { Router } from "./router";
import { App } from "./ui/App";
import { AppProvider, type AppState } from "./ui/context";
import { Notice } from "./ui/Notice";
import { Starting } from "./ui/SignIn";
import { countNews } from "./title";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/controls.css";
import "./styles/cameras.css";
import "./styles/events.css";
import "./styles/picture.css";
import "./styles/sheet.css";
import "./styles/player.css";
import "./styles/day.css";
import "./styles/empty.css";

const root = document.getElementById("app") as HTMLElement;
const fetcher: typeof fetch = (input, init) => fetch(input, init);

async function boot(): Promise<void> {
  render(<Starting />, root);
  const config = await loadConfig(fetcher);
  const storage = sessionStorage;
  const redirectUri = `${location.origin}/`;
  const oidc = new Oidc({ config, fetch: fetcher, storage, redirectUri, now: Date.now });
  const session = new Session(oidc, storage, Date.now);

  // The provider's answer leaves the address bar before anything else can see it.
  const query = new URLSearchParams(location.search);
  if (query.size > 0) history.replaceState(null, "", location.pathname + location.hash);

  const page = browserPage();
  const api = new Api(fetcher, session);
  const feed = new Feed(api, page, Date.now);
  const cameras = new Cameras(api, page);
  const router = new Router(window);
  const clock = signal(new Date());
  setInterval(() => document.hidden || (clock.value = new Date()), 5_000);

  const state: AppState = {
    session,
    api,
    page,
    feed,
    cameras,
    router,
    clock,
    async signIn() {
      // The refresh token may only have been out of reach: try it first.
      if (session.resumable()) await session.start(new URLSearchParams());
      if (session.state.value !== "in") location.assign(await session.signIn(location.hash));
    },
    async signOut() {
      const url = await session.signOut();
      history.replaceState(null, "", "/");
      if (url) location.assign(url);
    },
  };

  effect(() => {
    const route = router.route.value;
    if (route.name === "home") untracked(() => feed.setFilter(route.filter));
  });
  effect(() => {
    const signedIn = session.state.value === "in";
    untracked(() => {
      if (signedIn) {
        feed.poller.start();
        cameras.poller.start();
      } else {
        feed.stop();
        cameras.stop();
      }
    });
  });
  countNews(feed.arrived, page, (news) => (document.title = t.title(news)));

  render(
    <AppProvider value={state}>
      <App />
    </AppProvider>,
    root,
  );
  const returnTo = await session.start(query);
  if (returnTo?.startsWith("#/")) router.replace(returnTo);
}

function start(): void {
  boot().catch((error: unknown) => {
    render(
      <main class="welcome">
        <div class="welcome-card">
          <h1>{t.app}</h1>
          <Notice problem={problemOf(error)} onRetry={start} />
        </div>
      </main>,
      root,
    );
  });
}

start();
