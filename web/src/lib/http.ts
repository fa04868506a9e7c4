import { t } from "../messages";
import { PlainError } from "./problem";

/** How long an answer may take before it counts as lost, in milliseconds. */
export const PATIENCE = 15_000;

/** The network did not answer, or not in time. Worth another try. */
export class UnreachableError extends PlainError {}

/**
 * fetch with a time limit whose failures are UnreachableErrors. A request that
 * the caller's own signal ends still throws an AbortError.
 */
export async function request(
  fetcher: typeof fetch,
  url: string,
  init: RequestInit = {},
  patience = PATIENCE,
): Promise<Response> {
  const limit = AbortSignal.timeout(patience);
  const signal = init.signal ? AbortSignal.any([init.signal, limit]) : limit;
  try {
    return await fetcher(url, { ...init, signal });
  } catch (error) {
    if (init.signal?.aborted) throw new DOMException("abandoned", "AbortError");
    throw new UnreachableError(limit.aborted ? t.problem.timeout : t.problem.unreachable, { cause: error });
  }
}

/** The body as JSON, or undefined when it is none. */
export async function jsonOf(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return undefined;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
