import { beforeEach, describe, expect, it } from "vitest";
import type { Oidc, Tokens } from "../../src/auth/oidc";
import { Session } from "../../src/auth/session";
import { UnreachableError } from "../../src/lib/http";
import { SignedOutError } from "../../src/lib/problem";
import { t } from "../../src/messages";
import { MemoryStorage } from "./helpers";

const KEY = "porchlight.refresh";
const none = new URLSearchParams();

describe("Session", () => {
  let storage: MemoryStorage;
  let now: number;
  let refreshed: string[];
  let onRefresh: (token: string) => Promise<Tokens>;
  let session: Session;

  beforeEach(() => {
    storage = new MemoryStorage();
    now = 1_000_000;
    refreshed = [];
    onRefresh = async () => {
      const n = refreshed.length;
      return { access: `AT${n}`, refresh: `RT${n}`, expiresAt: now + 600_000 };
    };
    const oidc: Partial<Oidc> = {
      finish: async (query) => {
        if (query.get("code") !== "good") return undefined;
        return { tokens: { access: "AT0", refresh: "RT0", expiresAt: now + 600_000, id: "ID" }, returnTo: "#/x" };
      },
      refresh: (token) => {
        refreshed.push(token);
        return onRefresh(token);
      },
      signOutUrl: async (id) => `http://auth.test/end?${id}`,
    };
    session = new Session(oidc as Oidc, storage, () => now);
  });

  const signIn = () => session.start(new URLSearchParams({ code: "good", state: "s" }));

  it("begins signed out, without asking anyone, when there is nothing to go on", async () => {
    await session.start(none);
    expect(session.state.value).toBe("out");
    expect(session.problem.value).toBeUndefined();
    expect(refreshed).toEqual([]);
  });

  it("completes a sign-in and stores the refresh token alone", async () => {
    expect(await signIn()).toBe("#/x");
    expect(session.state.value).toBe("in");
    expect(await session.token()).toBe("AT0");
    expect(storage.length).toBe(1);
    expect(storage.getItem(KEY)).toBe("RT0");
  });

  it("goes on after a reload with the stored refresh token", async () => {
    storage.setItem(KEY, "RT");
    await session.start(none);
    expect(session.state.value).toBe("in");
    expect(refreshed).toEqual(["RT"]);
    expect(storage.getItem(KEY)).toBe("RT1");
  });

  it("renews before expiry, once for all who ask", async () => {
    await signIn();
    now += 541_000;
    const tokens = await Promise.all([session.token(), session.token(), session.token()]);
    expect(tokens).toEqual(["AT1", "AT1", "AT1"]);
    expect(refreshed).toEqual(["RT0"]);
    expect(await session.signOut()).toBe("http://auth.test/end?ID");
  });

  it("uses the old token to its end while the provider is out of reach", async () => {
    await signIn();
    onRefresh = () => Promise.reject(new UnreachableError(t.problem.signInUnreachable));
    now += 541_000;
    expect(await session.token()).toBe("AT0");
    now += 59_000;
    await expect(session.token()).rejects.toBeInstanceOf(UnreachableError);
    expect(session.state.value).toBe("in");
    expect(storage.getItem(KEY)).toBe("RT0");
  });

  it("never gives back a token that the API has refused", async () => {
    await signIn();
    expect(await session.replace("AT0")).toBe("AT1");
    expect(await session.replace("AT0")).toBe("AT1");
    expect(refreshed).toHaveLength(1);
    onRefresh = () => Promise.reject(new UnreachableError(t.problem.signInUnreachable));
    await expect(session.replace("AT1")).rejects.toBeInstanceOf(UnreachableError);
  });

  it("ends, saying so, when the refresh token is refused", async () => {
    await signIn();
    onRefresh = () => Promise.reject(new SignedOutError(t.problem.signInEnded));
    await expect(session.replace("AT0")).rejects.toBeInstanceOf(SignedOutError);
    expect(session.state.value).toBe("out");
    expect(session.problem.value).toEqual(t.problem.signInEnded);
    expect(storage.length).toBe(0);
  });

  it("keeps the refresh token for another try when nobody answers at the start", async () => {
    storage.setItem(KEY, "RT");
    const works = onRefresh;
    onRefresh = () => Promise.reject(new UnreachableError(t.problem.signInUnreachable));
    await session.start(none);
    expect(session.state.value).toBe("out");
    expect(session.problem.value).toEqual(t.problem.signInUnreachable);
    expect(session.resumable()).toBe(true);
    onRefresh = works;
    await session.start(none);
    expect(session.state.value).toBe("in");
  });

  it("forgets everything on sign-out, also a renewal under way", async () => {
    await signIn();
    let answer: (tokens: Tokens) => void = () => undefined;
    onRefresh = () => new Promise((resolve) => (answer = resolve));
    const waiting = session.replace("AT0");
    expect(await session.signOut()).toBe("http://auth.test/end?ID");
    answer({ access: "AT9", refresh: "RT9", expiresAt: now + 600_000 });
    await expect(waiting).rejects.toBeInstanceOf(SignedOutError);
    expect(session.state.value).toBe("out");
    expect(session.problem.value).toBeUndefined();
    expect(storage.length).toBe(0);
  });
});
