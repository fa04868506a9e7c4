import { t } from "../messages";
import { useApp } from "./context";
import { Logo } from "./icons";

export function Header() {
  const { session, feed, router, signOut } = useApp();
  const claims = session.claims.value;
  const who = claims?.email ?? claims?.name;
  const state = feed.poller.state.value;

  function skip(event: MouseEvent) {
    event.preventDefault(); // the fragment belongs to the router
    document.getElementById("events")?.focus();
  }

  return (
    <header class="top">
      {router.page.value.name !== "live" && (
        <a class="skip" href="#events" onClick={skip}>
          {t.skip}
        </a>
      )}
      <div class="top-inner">
        <a class="brand" href="#/">
          <Logo />
          <h1>{t.app}</h1>
        </a>
        <span class={`pill pill-${state}`} role="status" data-testid="live-status">
          <span class="dot" aria-hidden="true" />
          {t.status[state]}
        </span>
        {who && (
          <span class="who" title={t.account.signedInAs(who)}>
            {who}
          </span>
        )}
        <button type="button" class="button button-quiet" data-testid="sign-out" onClick={() => void signOut()}>
          {t.account.signOut}
        </button>
      </div>
    </header>
  );
}
