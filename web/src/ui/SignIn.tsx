import { useSignal } from "@preact/signals";
import { problemOf } from "../lib/problem";
import { t } from "../messages";
import { useApp } from "./context";
import { Logo } from "./icons";
import { Notice } from "./Notice";

export function SignIn() {
  const { session, signIn } = useApp();
  const busy = useSignal(false);

  async function begin() {
    busy.value = true;
    try {
      await signIn();
    } catch (error) {
      session.problem.value = problemOf(error);
      busy.value = false;
    }
  }

  const problem = session.problem.value;
  return (
    <main class="welcome">
      <div class="welcome-card">
        <Logo />
        <h1>{t.signIn.heading}</h1>
        <p class="welcome-lead">{t.signIn.lead}</p>
        {problem && <Notice problem={problem} />}
        <button
          type="button"
          class="button button-main"
          data-testid="sign-in"
          aria-disabled={busy.value}
          onClick={() => !busy.value && void begin()}
        >
          {busy.value ? t.signIn.busy : t.signIn.button}
        </button>
        <p class="welcome-foot">{t.signIn.footnote}</p>
      </div>
    </main>
  );
}

/** While the configuration and the session are being looked up. */
export function Starting() {
  return (
    <main class="welcome" aria-busy="true">
      <div class="welcome-card welcome-quiet">
        <Logo />
        <h1 class="visually-hidden">{t.app}</h1>
        <p role="status">{t.signIn.starting}</p>
      </div>
    </main>
  );
}
