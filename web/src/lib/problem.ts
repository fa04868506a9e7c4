import { t } from "../messages";

/** What went wrong and what to do about it, in words for the owner. */
export interface Problem {
  title: string;
  detail?: string;
}

/** An error that carries words for the owner. */
export class PlainError extends Error {
  constructor(
    readonly problem: Problem,
    options?: ErrorOptions,
  ) {
    super(problem.title, options);
  }
}

/** The session is over; the app shows the sign-in. */
export class SignedOutError extends PlainError {}

/** Words for any error, also for one nobody foresaw. */
export function problemOf(error: unknown): Problem {
  return error instanceof PlainError ? error.problem : t.problem.unexpected;
}

/** Whether the error is only an abandoned request. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
