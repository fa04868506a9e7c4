import { signal } from "@preact/signals";
import { problemOf, SignedOutError, type Problem } from "../lib/problem";
import { t } from "../messages";
import type { Claims } from "./idtoken";
import type { Oidc, Tokens } from "./oidc";

/**
 * A token with less than this left, in milliseconds, is renewed before use;
 * one that lives only briefly, in the second half of its life.
 */
const LEEWAY = 60_000;

const REFRESH = "porchlight.refresh";

export type SessionState = "starting" | "out" | "in";

/**
 * Who is signed in. Access and ID token live in memory alone; the refresh
 * token is kept in sessionStorage so that loading the page again does not sign
 * the owner out (README.md weighs this).
 */
export class Session {
  readonly state = signal<SessionState>("starting");
  readonly claims = signal<Claims | undefined>(undefined);
  /** Why the owner is signed out, when it was not by choice. */
  readonly problem = signal<Problem | undefined>(undefined);

  #tokens: Tokens | undefined;
  #renewAt = 0;
  #renewal: Promise<string> | undefined;

  constructor(
    private readonly oidc: Oidc,
    private readonly storage: Storage,
    private readonly now: () => number,
  ) {}

  /**
   * Picks up a sign-in under way or an earlier session. Returns where the
   * owner was heading when the sign-in began.
   */
  async start(query: URLSearchParams): Promise<string | undefined> {
    try {
      const done = await this.oidc.finish(query);
      if (done) {
        this.#accept(done.tokens);
        return done.returnTo;
      }
      if (this.resumable()) await this.#renew();
      else this.#signedOut(undefined);
    } catch (error) {
      if (this.state.value !== "in") this.#signedOut(problemOf(error));
    }
    return undefined;
  }

  /** The address of the provider's sign-in page. */
  signIn(returnTo: string): Promise<string> {
    return this.oidc.begin(returnTo);
  }

  /** Forgets everything and returns where to sign out at the provider too. */
  async signOut(): Promise<string | undefined> {
    const id = this.#tokens?.id;
    this.#leave(undefined);
    try {
      return await this.oidc.signOutUrl(id);
    } catch {
      return undefined; // here the owner is signed out in any case
    }
  }

  /** An access token that is good for a while yet. */
  async token(): Promise<string> {
    const tokens = this.#tokens;
    if (!tokens || this.now() >= tokens.expiresAt) return this.#renew();
    if (this.now() < this.#renewAt || !this.resumable()) return tokens.access;
    try {
      return await this.#renew();
    } catch (error) {
      if (error instanceof SignedOutError) throw error;
      return tokens.access; // renewing early failed; the old one still serves
    }
  }

  /** Whether there is a refresh token to go on with. */
  resumable(): boolean {
    return this.storage.getItem(REFRESH) !== null;
  }

  /** A token other than the one the API has just refused. */
  async replace(refused: string): Promise<string> {
    const current = this.#tokens?.access;
    return current !== undefined && current !== refused ? current : this.#renew();
  }

  /** Ends the session because the API will not have it any more. */
  expire(): void {
    this.#leave(t.problem.signInEnded);
  }

  /** One renewal at a time: a rotating refresh token can be used only once. */
  #renew(): Promise<string> {
    this.#renewal ??= this.#refresh().finally(() => (this.#renewal = undefined));
    return this.#renewal;
  }

  async #refresh(): Promise<string> {
    const refresh = this.storage.getItem(REFRESH);
    try {
      if (refresh === null) throw new SignedOutError(t.problem.signInEnded);
      const tokens = await this.oidc.refresh(refresh);
      // Signed out while the answer was on its way: stay so.
      if (this.storage.getItem(REFRESH) !== refresh) throw new SignedOutError(t.problem.signInEnded);
      this.#accept(tokens);
      return tokens.access;
    } catch (error) {
      if (error instanceof SignedOutError && this.state.value !== "out") this.#leave(error.problem);
      throw error;
    }
  }

  #accept(tokens: Tokens): void {
    // Sign-out wants the ID token, which a renewal need not repeat.
    this.#tokens = { ...(this.#tokens?.id ? { id: this.#tokens.id } : {}), ...tokens };
    const life = tokens.expiresAt - this.now();
    this.#renewAt = tokens.expiresAt - Math.min(LEEWAY, life / 2);
    if (tokens.refresh) this.storage.setItem(REFRESH, tokens.refresh);
    if (tokens.claims) this.claims.value = tokens.claims;
    this.problem.value = undefined;
    this.state.value = "in";
  }

  #leave(problem: Problem | undefined): void {
    this.storage.removeItem(REFRESH);
    this.#signedOut(problem);
  }

  /** Out, but a refresh token in storage may yet serve after a reload. */
  #signedOut(problem: Problem | undefined): void {
    this.#tokens = undefined;
    this.claims.value = undefined;
    this.problem.value = problem;
    this.state.value = "out";
  }
}
