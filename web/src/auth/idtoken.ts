import { isRecord } from "../lib/http";
import { PlainError } from "../lib/problem";
import { t } from "../messages";

/** What the app reads of an ID token. */
export interface Claims {
  sub: string;
  email?: string;
  name?: string;
}

export interface Expected {
  issuer: string;
  client_id: string;
  /** Absent on a refresh, whose ID token need not repeat it. */
  nonce?: string;
  /** Milliseconds since the epoch. */
  now: number;
}

/** How far this device's clock may be off, in seconds. */
const SKEW = 300;

/**
 * Checks an ID token that came straight from the token endpoint and returns
 * its claims: OpenID Connect Core 1.0 section 3.1.3.7. The signature is left
 * out, as point 6 there allows, because the connection to the token endpoint
 * vouches for it. The API checks the access token's signature on every call.
 */
export function checkIdToken(token: string, expected: Expected): Claims {
  const claims = decode(token);
  const { iss, aud, azp, exp, nonce, sub } = claims;
  const audiences = Array.isArray(aud) ? aud : [aud];
  if (iss !== expected.issuer) throw invalid("iss");
  if (!audiences.includes(expected.client_id)) throw invalid("aud");
  if (azp !== undefined && azp !== expected.client_id) throw invalid("azp");
  if (typeof exp !== "number" || exp + SKEW < expected.now / 1000) throw invalid("exp");
  if (expected.nonce !== undefined && nonce !== expected.nonce) throw invalid("nonce");
  if (typeof sub !== "string" || sub === "") throw invalid("sub");
  return {
    sub,
    ...(typeof claims.email === "string" ? { email: claims.email } : {}),
    ...(typeof claims.name === "string" ? { name: claims.name } : {}),
  };
}

function decode(token: string): Record<string, unknown> {
  try {
    const body = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(body), (c) => c.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (isRecord(claims)) return claims;
  } catch {
    // falls through to the one answer for every broken token
  }
  throw invalid("id_token");
}

function invalid(what: string): PlainError {
  return new PlainError(t.problem.signInInvalid(what));
}
