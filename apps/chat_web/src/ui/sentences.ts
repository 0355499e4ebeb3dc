import { Disconnected, type Problem, Refused } from "../client";

/** What a problem of the server means to a person: by its code, as docs/errors.md lists them. */
const SENTENCES: Record<string, string> = {
  malformed: "The server could not read that. Reload the page, and try again.",
  too_large: "That is too long to be sent.",
  unsupported_media_type: "The server could not read that. Reload the page, and try again.",
  unauthenticated: "Please log in.",
  invalid_credentials: "There is no such account, or the password is another.",
  token_invalid: "This server does not know your session. Please log in.",
  token_expired: "You were away for long. Please log in again.",
  session_revoked: "This session was ended, here or from another of your devices.",
  refresh_reused:
    "Your session was ended for safety: somebody else may have had a copy of it. Please log in.",
  account_disabled: "This account was closed. Please ask whoever runs this service.",
  registration_timeout: "The connection took too long. It is tried again.",
  forbidden: "You may not do that here.",
  wrong_password: "The password is not right.",
  password_change_required: "Please choose a password of your own first.",
  blocked: "One of you has blocked the other, so no messages can be sent here.",
  signups_closed: "New accounts are made by whoever runs this service. Please ask there.",
  origin_not_allowed: "This page may not use that server. Please tell whoever runs it.",
  host_not_allowed: "This is not the address of the chat. Open it by its usual one.",
  not_found: "That is not there any more.",
  recipient_not_found: "There is no such person, or the account was deleted.",
  username_taken: "Somebody else has that user name. Please choose another.",
  email_taken: "There is an account with that address. Log in, or give another.",
  client_id_conflict: "That was sent before with another text. Please send it anew.",
  already_member: "That person is in the group already.",
  last_owner: "You are the only owner. Make somebody else an owner first.",
  already_registered: "This window belongs to another session. Reload the page.",
  rate_limited: "That was too often. Please wait a moment.",
  too_many_connections: "You are connected in too many places. Close one, or wait a moment.",
  unavailable: "The server can't be reached just now. Please try again soon.",
  overloaded: "The server has much to do. Please try again in a moment.",
  internal: "Something went wrong at the server. It has been noted there.",
  logged_out_elsewhere: "You logged out in another window.",
};

/** What the fields of a request are called on the screen. */
const FIELDS: Record<string, string> = {
  username: "User name",
  password: "Password",
  newPassword: "New password",
  currentPassword: "Password",
  displayName: "Name",
  email: "E-mail",
  title: "Name of the group",
  memberIds: "Members",
  content: "Message",
};

/** A sentence for a problem, with what the server says of each field. */
export function sentenceOf(problem: Problem): string {
  if (problem.code === "invalid") {
    const wrong = (problem.errors ?? []).map(({ field, message }) => {
      return `${FIELDS[field] ?? field} ${message}.`;
    });
    return wrong.length > 0 ? wrong.join(" ") : "Something in that is not as it should be.";
  }
  const sentence = SENTENCES[problem.code] ?? byStatus(problem.status ?? 0);
  if (problem.code === "rate_limited" && problem.retryAfter !== undefined)
    return `That was too often. Please wait ${waiting(problem.retryAfter)}.`;
  if (problem.incidentId === undefined) return sentence;
  return `${sentence} Its number is ${problem.incidentId}.`;
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
  if (status === 403) return "You may not do that here.";
  if (status === 404) return "That is not there any more.";
  if (status === 429) return "That was too often. Please wait a moment.";
  if (status >= 500) return "The server can't do that just now. Please try again soon.";
  return "That did not work.";
}
