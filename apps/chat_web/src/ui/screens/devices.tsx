import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ChatClient, Session } from "../../client";
import { confirmed, tried } from "../alerts";
import { browserName } from "../browser-name";
import { Icon } from "../parts/icons";
import { ScreenHead } from "../parts/screen-head";
import { ago, exactly } from "../times";

/** Where one is logged in; each of these sessions can be ended from here. */
export function Devices({ client }: { client: ChatClient }) {
  const sessions = useSignal<Session[] | null>(null);
  const nextCursor = useSignal<string | null>(null);

  async function load() {
    await tried(async () => {
      const page = await client.api.sessions(null);
      sessions.value = page.items;
      nextCursor.value = page.nextCursor;
    });
  }

  async function loadMore() {
    await tried(async () => {
      const page = await client.api.sessions(nextCursor.value);
      const known = new Set(sessions.value?.map(({ id }) => id));
      // One that was seen meanwhile has moved, and may come twice.
      const more = page.items.filter(({ id }) => !known.has(id));
      sessions.value = [...(sessions.value ?? []), ...more];
      nextCursor.value = page.nextCursor;
    });
  }

  useEffect(() => void load(), []);

  async function end({ id, device, current }: Session) {
    const what = current ? "Log out here?" : `Log out ${device ?? "that device"}?`;
    const text = current
      ? "You will need your password to come back."
      : "That device will have to log in again.";
    if (!(await confirmed(what, text, "Log out"))) return;
    if (await tried(() => client.api.endSession(id))) await load();
  }

  return (
    <div class="screen">
      <ScreenHead title="My devices" back="/settings" />
      {sessions.value === null ? (
        <p role="status">Loading …</p>
      ) : (
        <ul class="people">
          {sessions.value.map((session) => (
            <li key={session.id} class="person">
              <Icon name="device" />
              <span class="person-name">
                <span dir="auto">{session.device ?? "A device without a name"}</span>
                {session.current && " (this one)"}
                <span class="person-note" title={exactly(session.lastSeenAt)}>
                  {session.online || session.current
                    ? "Online"
                    : `Last seen ${ago(session.lastSeenAt)}`}
                </span>
                <span class="person-note" dir="auto">
                  {whereFrom(session)}
                </span>
              </span>
              <button
                type="button"
                class="button small"
                aria-label={`Log out ${session.device ?? "this device"}`}
                onClick={() => void end(session)}
              >
                Log out
              </button>
            </li>
          ))}
        </ul>
      )}
      {nextCursor.value !== null && (
        <button type="button" class="button" onClick={() => void loadMore()}>
          Show more devices
        </button>
      )}
    </div>
  );
}

/** The program that has the session, where it does not call itself that, and its address. */
function whereFrom({ device, userAgent, address }: Session): string {
  const program = userAgent === null ? null : (browserName(userAgent) ?? userAgent);
  return [program === device ? null : program, address].filter(Boolean).join(" · ");
}
