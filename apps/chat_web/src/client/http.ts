import { Disconnected, Refused } from "./errors";
import type { Problem } from "./wire";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

const TIMEOUT_MS = 20_000;
/** A refresh token may be used again within 10 seconds, should the answer get lost: not later. */
const REFRESH_TIMEOUT_MS = 8_000;

/** Sends a request under `/api/v1`. Throws `Disconnected`, `Refused`. */
export type Send = <Answer>(
  method: Method,
  path: string,
  body?: object,
  token?: string,
) => Promise<Answer>;

/** By how much the server's clock is before this machine's, as the last answer told. */
export const serverClock = { aheadMs: 0 };

export const send: Send = async <Answer>(
  method: Method,
  path: string,
  body?: object,
  token?: string,
): Promise<Answer> => {
  const headers = new Headers({ Accept: "application/json" });
  if (body !== undefined) headers.set("Content-Type", "application/json");
  if (token !== undefined) headers.set("Authorization", `Bearer ${token}`);
  const timeout = path === "/users/refresh" ? REFRESH_TIMEOUT_MS : TIMEOUT_MS;
  let response: Response;
  let text: string;
  try {
    response = await fetch(`/api/v1${path}`, {
      method,
      headers,
      signal: AbortSignal.timeout(timeout),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    text = await response.text();
  } catch {
    throw new Disconnected();
  }
  const date = Date.parse(response.headers.get("Date") ?? "");
  if (!Number.isNaN(date)) serverClock.aheadMs = date - Date.now();
  if (response.ok) return (text === "" ? undefined : JSON.parse(text)) as Answer;
  throw new Refused(problemOf(response, text));
};

/** What came may be no problem document, where a proxy answered in the server's place. */
function problemOf(response: Response, text: string): Problem {
  try {
    const told: unknown = JSON.parse(text);
    if (typeof told === "object" && told !== null && "code" in told) return told as Problem;
  } catch {
    // No JSON at all: told below.
  }
  return { code: response.status >= 500 ? "unavailable" : "malformed", status: response.status };
}
