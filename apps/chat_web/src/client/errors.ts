import type { Problem } from "./wire";

/** There is no connection, or it broke before the answer: whether it was done is unknown. */
export class Disconnected extends Error {
  constructor(message = "There is no connection to the server") {
    super(message);
    this.name = "Disconnected";
  }
}

/** The server answered with an error. */
export class Refused extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail ?? problem.title ?? problem.code);
    this.name = "Refused";
    this.problem = problem;
  }

  get code(): string {
    return this.problem.code;
  }
}

/** The same request may be made again later: nothing is wrong with it. */
const TEMPORARY = new Set(["rate_limited", "unavailable", "overloaded", "too_many_connections"]);

/** The session is good, and good for nothing before the password is another: the operator made it. */
export const PASSWORD_CHANGE_REQUIRED = "password_change_required";

/** This session is over: only another log-in helps. */
const SESSION_ENDED = new Set([
  "session_revoked",
  "refresh_reused",
  "token_invalid",
  "account_disabled",
]);

export function isTemporary(code: string): boolean {
  return TEMPORARY.has(code);
}

export function endsSession(code: string): boolean {
  return SESSION_ENDED.has(code);
}

/** Whether a refusal is about the session as a whole: the client's status says the same. */
export function concernsSession(code: string): boolean {
  return endsSession(code) || code === PASSWORD_CHANGE_REQUIRED;
}
