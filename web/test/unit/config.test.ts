import { describe, expect, it } from "vitest";
import { loadConfig } from "../../src/config";
import { t } from "../../src/messages";
import { json } from "./helpers";

const load = (answer: () => Response) => loadConfig((async () => answer()) as typeof fetch);

describe("loadConfig", () => {
  it("reads issuer, client and scope", async () => {
    const config = { issuer: "http://a.test/oidc", client_id: "app", scope: "openid" };
    expect(await load(() => json(config))).toEqual(config);
    expect(await load(() => json({ ...config, scope: undefined }))).toMatchObject({ scope: "openid email" });
  });

  it.each([
    ["missing", () => json({}, 404)],
    ["not JSON", () => new Response("<!doctype html>")],
    ["a list", () => json([])],
    ["without issuer", () => json({ client_id: "app" })],
    ["with an empty client", () => json({ issuer: "http://a.test", client_id: "" })],
  ])("refuses one that is %s", async (_, answer) => {
    await expect(load(answer)).rejects.toMatchObject({ problem: t.problem.noConfig });
  });
});
