import { isRecord, jsonOf, request } from "./lib/http";
import { PlainError } from "./lib/problem";
import { t } from "./messages";

/** What the server says about itself in /config.json. */
export interface Config {
  /** OpenID Connect issuer, exactly as its discovery document names itself. */
  issuer: string;
  client_id: string;
  scope: string;
}

export async function loadConfig(fetcher: typeof fetch): Promise<Config> {
  const response = await request(fetcher, "/config.json", { cache: "no-cache" });
  const body = response.ok ? await jsonOf(response) : undefined;
  if (!isRecord(body)) throw new PlainError(t.problem.noConfig);
  const { issuer, client_id, scope = "openid email" } = body;
  if (typeof issuer !== "string" || typeof client_id !== "string" || typeof scope !== "string" || !issuer || !client_id) {
    throw new PlainError(t.problem.noConfig);
  }
  return { issuer, client_id, scope };
}
