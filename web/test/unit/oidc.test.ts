import { beforeEach, describe, expect, it } from "vitest";
import { Oidc } from "../../src/auth/oidc";
import { base64url, challengeOf, randomText } from "../../src/auth/pkce";
import { UnreachableError } from "../../src/lib/http";
import { PlainError, SignedOutError } from "../../src/lib/problem";
import { t } from "../../src/messages";
import { idToken, json, MemoryStorage } from "./helpers";

describe("PKCE", () => {
  it("makes the challenge of RFC 7636 appendix B", async () => {
    expect(await challengeOf("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")).toBe(
      "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    );
  });
  it("encodes as base64url without padding", () => expect(base64url(new Uint8Array([251, 255, 254, 0]))).toBe("-__-AA"));
  it("makes verifiers of the allowed form, all different", () => {
    const many = Array.from({ length: 50 }, randomText);
    for (const text of many) expect(text).toMatch(/^[A-Za-z0-9_-]{43,128}$/);
    expect(new Set(many).size).toBe(many.length);
  });
});

const issuer = "http://auth.test/oidc";
const now = Date.UTC(2026, 0, 5);

describe("Oidc", () => {
  let storage: MemoryStorage;
  let discovery: Record<string, unknown>;
  let answerToken: (form: URLSearchParams) => Response;
  let forms: URLSearchParams[];
  let discoveries: number;
  let oidc: Oidc;

  beforeEach(() => {
    storage = new MemoryStorage();
    forms = [];
    discoveries = 0;
    discovery = {
      issuer,
      authorization_endpoint: `${issuer}/authorize?tenant=1`,
      token_endpoint: `${issuer}/token`,
      end_session_endpoint: `${issuer}/end`,
    };
    answerToken = () => json({});
    const fetcher = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
      if (String(input) === `${issuer}/.well-known/openid-configuration`) {
        discoveries++;
        return json(discovery);
      }
      expect(String(input)).toBe(`${issuer}/token`);
      const form = new URLSearchParams(String(init?.body));
      forms.push(form);
      return answerToken(form);
    };
    oidc = new Oidc({
      config: { issuer, client_id: "app", scope: "openid email" },
      fetch: fetcher as typeof fetch,
      storage,
      redirectUri: "http://app.test/",
      now: () => now,
    });
  });

  const claims = { iss: issuer, aud: "app", sub: "alice", email: "a@example.com", exp: now / 1000 + 60 };

  async function begin(): Promise<URLSearchParams> {
    const url = new URL(await oidc.begin("#/x"));
    expect(url.origin + url.pathname).toBe(`${issuer}/authorize`);
    return url.searchParams;
  }

  const answer = (fields: Record<string, string>) => new URLSearchParams(fields);

  it("signs in: a fresh state, nonce and challenge out, tokens back", async () => {
    const asked = await begin();
    expect(Object.fromEntries(asked)).toMatchObject({
      tenant: "1",
      response_type: "code",
      client_id: "app",
      redirect_uri: "http://app.test/",
      scope: "openid email",
      code_challenge_method: "S256",
    });
    const nonce = asked.get("nonce") ?? "";
    answerToken = () =>
      json({ access_token: "AT", refresh_token: "RT", expires_in: 600, id_token: idToken({ ...claims, nonce }) });

    const done = await oidc.finish(answer({ code: "C", state: asked.get("state") ?? "", iss: issuer }));

    expect(done?.returnTo).toBe("#/x");
    expect(done?.tokens).toMatchObject({ access: "AT", refresh: "RT", expiresAt: now + 600_000 });
    expect(done?.tokens.claims).toEqual({ sub: "alice", email: "a@example.com" });
    const form = forms[0] as URLSearchParams;
    expect(Object.fromEntries(form)).toMatchObject({
      grant_type: "authorization_code",
      code: "C",
      client_id: "app",
      redirect_uri: "http://app.test/",
    });
    expect(await challengeOf(form.get("code_verifier") ?? "")).toBe(asked.get("code_challenge"));
    expect(discoveries).toBe(1);
  });

  it("takes an address without code and state for no answer", async () => {
    expect(await oidc.finish(answer({}))).toBeUndefined();
    expect(await oidc.finish(answer({ code: "C" }))).toBeUndefined();
  });

  it.each([
    ["a foreign state", { code: "C", state: "forged" }, t.problem.signInStale],
    ["a foreign issuer", { code: "C", iss: "http://evil.test" }, t.problem.signInInvalid("iss")],
    ["a refusal", { error: "access_denied", error_description: "not today" }, t.problem.signInRefused("not today")],
  ])("refuses %s and asks for no token", async (_, fields, problem) => {
    const state = (await begin()).get("state") ?? "";
    await expect(oidc.finish(answer({ state, ...fields }))).rejects.toMatchObject({ problem });
    expect(forms).toHaveLength(0);
  });

  it("accepts each state once", async () => {
    const asked = await begin();
    const state = asked.get("state") ?? "";
    answerToken = () => json({ access_token: "AT", id_token: idToken({ ...claims, nonce: asked.get("nonce") }) });
    await oidc.finish(answer({ code: "C", state }));
    await expect(oidc.finish(answer({ code: "C", state }))).rejects.toMatchObject({ problem: t.problem.signInStale });
  });

  it.each([
    ["iss", { iss: "http://evil.test" }],
    ["aud", { aud: ["other"] }],
    ["azp", { azp: "other" }],
    ["exp", { exp: now / 1000 - 301 }],
    ["nonce", { nonce: "replayed" }],
    ["sub", { sub: "" }],
  ])("refuses an ID token with a wrong %s", async (what, wrong) => {
    const asked = await begin();
    const token = idToken({ ...claims, nonce: asked.get("nonce"), ...wrong });
    answerToken = () => json({ access_token: "AT", id_token: token });
    await expect(oidc.finish(answer({ code: "C", state: asked.get("state") ?? "" }))).rejects.toMatchObject({
      problem: t.problem.signInInvalid(what),
    });
  });

  it.each(["", "a.b.c", "…", idToken([] as never)])("refuses %j as an ID token", async (token) => {
    const state = (await begin()).get("state") ?? "";
    answerToken = () => json({ access_token: "AT", id_token: token });
    await expect(oidc.finish(answer({ code: "C", state }))).rejects.toBeInstanceOf(PlainError);
  });

  it("refuses another issuer's discovery document, then asks again", async () => {
    discovery.issuer = "http://evil.test";
    await expect(oidc.begin("")).rejects.toMatchObject({ problem: t.problem.signInInvalid("issuer") });
    discovery.issuer = issuer;
    await expect(oidc.begin("")).resolves.toContain("/authorize");
  });

  it("keeps the refresh token when the provider sends no new one", async () => {
    answerToken = () => json({ access_token: "AT2", expires_in: 60 });
    expect(await oidc.refresh("RT")).toMatchObject({ access: "AT2", refresh: "RT" });
    answerToken = () => json({ access_token: "AT3", refresh_token: "RT2" });
    expect(await oidc.refresh("RT")).toMatchObject({ refresh: "RT2", expiresAt: now + 300_000 });
  });

  it("tells a refused refresh from one that got no answer", async () => {
    answerToken = () => json({ error: "invalid_grant" }, 400);
    await expect(oidc.refresh("RT")).rejects.toBeInstanceOf(SignedOutError);
    answerToken = () => json({}, 503);
    await expect(oidc.refresh("RT")).rejects.toBeInstanceOf(UnreachableError);
    answerToken = () => {
      throw new TypeError("fetch failed");
    };
    await expect(oidc.refresh("RT")).rejects.toBeInstanceOf(UnreachableError);
  });

  it("signs out at the provider, where it has a place for that", async () => {
    const url = new URL((await oidc.signOutUrl("ID")) ?? "");
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: "app",
      id_token_hint: "ID",
      post_logout_redirect_uri: "http://app.test/",
      logout_uri: "http://app.test/",
    });
  });

  it("has nowhere to send the browser when the provider offers no sign-out", async () => {
    delete discovery.end_session_endpoint;
    expect(await oidc.signOutUrl("ID")).toBeUndefined();
  });
});
