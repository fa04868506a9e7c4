import type { Config } from "../config";
import { isRecord, jsonOf, request, UnreachableError } from "../lib/http";
import { PlainError, SignedOutError } from "../lib/problem";
import { t } from "../messages";
import { checkIdToken, type Claims } from "./idtoken";
import { challengeOf, randomText } from "./pkce";

/** The part of a discovery document that the app uses. */
interface Provider {
  authorization_endpoint: string;
  token_endpoint: string;
  end_session_endpoint?: string;
}

export interface Tokens {
  access: string;
  /** Milliseconds since the epoch, by this device's clock. */
  expiresAt: number;
  refresh?: string;
  id?: string;
  claims?: Claims;
}

/** A sign-in under way, kept over the redirect. */
interface Pending {
  state: string;
  nonce: string;
  verifier: string;
  returnTo: string;
}

const PENDING = "porchlight.pending";

export interface OidcDeps {
  config: Config;
  fetch: typeof fetch;
  storage: Storage;
  /** Where the provider sends the browser back to: the origin and "/". */
  redirectUri: string;
  now: () => number;
}

/**
 * An OpenID Connect client for a public browser app: authorization code with
 * PKCE (RFC 7636, RFC 9700) against any provider with a discovery document.
 */
export class Oidc {
  #provider: Promise<Provider> | undefined;

  constructor(private readonly deps: OidcDeps) {}

  /** Prepares a sign-in and returns the address to send the browser to. */
  async begin(returnTo: string): Promise<string> {
    // Browsers offer cryptography on https and on the machine itself only.
    if (!globalThis.crypto?.subtle) throw new PlainError(t.problem.insecure);
    const { config, storage, redirectUri } = this.deps;
    const provider = await this.#discover();
    const pending: Pending = { state: randomText(), nonce: randomText(), verifier: randomText(), returnTo };
    storage.setItem(PENDING, JSON.stringify(pending));
    return withQuery(provider.authorization_endpoint, {
      response_type: "code",
      client_id: config.client_id,
      redirect_uri: redirectUri,
      scope: config.scope,
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await challengeOf(pending.verifier),
      code_challenge_method: "S256",
    });
  }

  /**
   * Completes a sign-in from the address the provider sent the browser back
   * to. Returns undefined when that address is no answer of a provider.
   */
  async finish(query: URLSearchParams): Promise<{ tokens: Tokens; returnTo: string } | undefined> {
    const state = query.get("state");
    if (state === null || !(query.has("code") || query.has("error"))) return undefined;
    const { config, storage, redirectUri } = this.deps;
    const pending = readPending(storage.getItem(PENDING));
    // The state is good for one answer only, whatever comes of it.
    storage.removeItem(PENDING);
    if (!pending || pending.state !== state) throw new PlainError(t.problem.signInStale);
    const issuer = query.get("iss"); // RFC 9207, sent by some providers
    if (issuer !== null && issuer !== config.issuer) throw new PlainError(t.problem.signInInvalid("iss"));
    const code = query.get("code");
    if (!code) throw refused(query.get("error_description") ?? query.get("error"));

    const tokens = await this.#tokens({
      grant_type: "authorization_code",
      code,
      redirect_uri: redirectUri,
      code_verifier: pending.verifier,
    });
    if (!tokens.id) throw new PlainError(t.problem.signInInvalid("id_token"));
    tokens.claims = checkIdToken(tokens.id, { ...config, nonce: pending.nonce, now: this.deps.now() });
    return { tokens, returnTo: pending.returnTo };
  }

  /**
   * New tokens for a refresh token. Throws a SignedOutError when the provider
   * will not have it any more and an UnreachableError when it did not answer.
   */
  async refresh(refreshToken: string): Promise<Tokens> {
    const tokens = await this.#tokens({ grant_type: "refresh_token", refresh_token: refreshToken });
    tokens.refresh ??= refreshToken; // not every provider rotates it
    if (tokens.id) {
      const { config, now } = this.deps;
      tokens.claims = checkIdToken(tokens.id, { ...config, now: now() });
    }
    return tokens;
  }

  /** Where to send the browser to sign out at the provider too, if it has such a place. */
  async signOutUrl(idToken: string | undefined): Promise<string | undefined> {
    const { config, redirectUri } = this.deps;
    const { end_session_endpoint: end } = await this.#discover();
    if (!end) return undefined;
    return withQuery(end, {
      client_id: config.client_id,
      post_logout_redirect_uri: redirectUri,
      logout_uri: redirectUri, // Cognito's name for it
      ...(idToken ? { id_token_hint: idToken } : {}),
    });
  }

  #discover(): Promise<Provider> {
    // A failure is not remembered, so that the next try asks again.
    this.#provider ??= this.#fetchProvider().catch((error: unknown) => {
      this.#provider = undefined;
      throw error;
    });
    return this.#provider;
  }

  async #fetchProvider(): Promise<Provider> {
    const { config } = this.deps;
    const url = `${config.issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
    const response = await this.#ask(url);
    const body = response.ok ? await jsonOf(response) : undefined;
    if (!isRecord(body)) throw new UnreachableError(t.problem.signInUnreachable);
    // OpenID Connect Discovery 1.0 section 4.3: or someone else's document would do.
    if (body.issuer !== config.issuer) throw new PlainError(t.problem.signInInvalid("issuer"));
    const { authorization_endpoint, token_endpoint, end_session_endpoint } = body;
    if (typeof authorization_endpoint !== "string" || typeof token_endpoint !== "string") {
      throw new PlainError(t.problem.signInInvalid("discovery"));
    }
    return {
      authorization_endpoint,
      token_endpoint,
      ...(typeof end_session_endpoint === "string" ? { end_session_endpoint } : {}),
    };
  }

  async #tokens(form: Record<string, string>): Promise<Tokens> {
    const { token_endpoint } = await this.#discover();
    const response = await this.#ask(token_endpoint, {
      method: "POST",
      body: new URLSearchParams({ ...form, client_id: this.deps.config.client_id }),
    });
    const body = await jsonOf(response);
    if (!response.ok) {
      if (response.status >= 500 || response.status === 429) throw new UnreachableError(t.problem.signInUnreachable);
      if (form.grant_type === "refresh_token") throw new SignedOutError(t.problem.signInEnded);
      const { error_description, error } = isRecord(body) ? body : {};
      throw refused(error_description ?? error ?? response.status);
    }
    if (!isRecord(body) || typeof body.access_token !== "string") {
      throw new PlainError(t.problem.signInInvalid("access_token"));
    }
    const seconds = Number(body.expires_in);
    return {
      access: body.access_token,
      // RFC 6749 only recommends expires_in; without it assume a short life.
      expiresAt: this.deps.now() + (seconds > 0 ? seconds : 300) * 1000,
      ...(typeof body.refresh_token === "string" ? { refresh: body.refresh_token } : {}),
      ...(typeof body.id_token === "string" ? { id: body.id_token } : {}),
    };
  }

  async #ask(url: string, init?: RequestInit): Promise<Response> {
    try {
      return await request(this.deps.fetch, url, init);
    } catch (error) {
      throw new UnreachableError(t.problem.signInUnreachable, { cause: error });
    }
  }
}

function refused(reason: unknown): PlainError {
  return new PlainError(t.problem.signInRefused(String(reason ?? "?").slice(0, 200)));
}

function withQuery(address: string, query: Record<string, string>): string {
  const url = new URL(address);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url.href;
}

function readPending(text: string | null): Pending | undefined {
  try {
    return text === null ? undefined : (JSON.parse(text) as Pending);
  } catch {
    return undefined;
  }
}
