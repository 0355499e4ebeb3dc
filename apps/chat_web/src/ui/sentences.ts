import { Disconnected, type Problem, Refused } from "../client";

/** What a problem of the server means to a person: by its code, as docs/errors.md lists them. */
const SENTENCES: Record<string, string> = {
  malformed: "The server couldn't read that. Reload the page and try again.",
  too_large: "That is too long to send.",
  unsupported_media_type: "The server couldn't read that. Reload the page and try again.",
  unauthenticated: "Please log in.",
  invalid_credentials: "The username or password is wrong.",
  token_invalid: "Your session is not valid here. Please log in.",
  token_expired: "Your session has expired. Please log in again.",
  session_revoked: "Your session was ended, here or on another device.",
  refresh_reused:
    "Your session was ended for safety, because someone may have copied it. Please log in.",
  account_disabled: "This account is disabled. Please contact the operator of this service.",
  registration_timeout: "Connecting took too long. Trying again.",
  forbidden: "You are not allowed to do that.",
  wrong_password: "The password is wrong.",
  password_change_required: "Please choose your own password first.",
  blocked: "One of you has blocked the other, so no messages can be sent here.",
  signups_closed: "Only the operator of this service can create accounts. Please ask them.",
  origin_not_allowed: "The server does not allow this page. Please tell its operator.",
  host_not_allowed: "The chat is not available at this address. Please use its usual address.",
  not_found: "That no longer exists.",
  recipient_not_found: "This person does not exist, or deleted their account.",
  username_taken: "That username is taken. Please choose another.",
  email_taken: "Another account has that address. Log in, or use a different one.",
  client_id_conflict: "That was already sent with a different text. Please send it again.",
  already_member: "That person is already in the group.",
  last_owner: "You are the only owner. Make someone else an owner first.",
  already_registered: "This window belongs to another session. Please reload the page.",
  rate_limited: "You did that too often. Please wait a moment.",
  too_many_connections: "You have too many open connections. Close one, or wait a moment.",
  unavailable: "The server can't be reached. Please try again soon.",
  overloaded: "The server is busy. Please try again in a moment.",
  internal: "Something went wrong on the server. The error is logged there.",
  logged_out_elsewhere: "You logged out in another window.",
};

/** What the fields of a request are called on the screen. */
const FIELDS: Record<string, string> = {
  username: "Username",
  password: "Password",
  newPassword: "New password",
  currentPassword: "Password",
  displayName: "Name",
  email: "E-mail",
  title: "Group name",
  memberIds: "Members",
  content: "Message",
};

/** A sentence for a problem, with what the server says of each field. */
export function sentenceOf(problem: Problem): string {
  if (problem.code === "invalid") {
    const wrong = (problem.errors ?? []).map(({ field, message }) => {
      return `${FIELDS[field] ?? field} ${message}.`;
    });
    return wrong.length > 0 ? wrong.join(" ") : "Something you entered is not valid.";
  }
  const sentence = SENTENCES[problem.code] ?? byStatus(problem.status ?? 0);
  if (problem.code === "rate_limited" && problem.retryAfter !== undefined)
    return `You did that too often. Please wait ${waiting(problem.retryAfter)}.`;
  if (problem.incidentId === undefined) return sentence;
  return `${sentence} Incident: ${problem.incidentId}.`;
}

/** A sentence for whatever a call has thrown. Throws on what is no answer of a server. */
export function sentenceOfError(error: unknown): string {
  if (error instanceof Refused) return sentenceOf(error.problem);
  if (error instanceof Disconnected)
    return "The server can't be reached. Please try again once you are connected.";
  throw error;
}

/** Why one has to log in again. */
export function sentenceOfEnd(code: string): string {
  return sentenceOf({ code });
}

/** What is wrong with each field, by its name. */
export function fieldErrors(error: unknown): Record<string, string> {
  if (!(error instanceof Refused)) return {};
  const told = (error.problem.errors ?? []).map(({ field, message }) => [field, message]);
  return Object.fromEntries(told) as Record<string, string>;
}

/** "a second", "30 seconds", "12 minutes", "2 hours": never shorter than it is. */
export function waiting(seconds: number): string {
  if (seconds <= 1) return "a second";
  if (seconds < 120) return `${Math.ceil(seconds)} seconds`;
  if (seconds < 7_200) return `${Math.ceil(seconds / 60)} minutes`;
  return `${Math.ceil(seconds / 3_600)} hours`;
}

/** For a code that is newer than this client. */
function byStatus(status: number): string {
  if (status === 401) return "Please log in.";
  if (status === 403) return "You are not allowed to do that.";
  if (status === 404) return "That no longer exists.";
  if (status === 429) return "You did that too often. Please wait a moment.";
  if (status >= 500) return "The server can't do that right now. Please try again soon.";
  return "That did not work.";
}
