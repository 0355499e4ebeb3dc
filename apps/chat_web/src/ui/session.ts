import { signal } from "@preact/signals";
import { ChatClient, forgetSessions, LogInStore, type StoredLogin } from "../client";
import { dismissAll } from "./alerts";
import { follow } from "./live";
import { notifyOf } from "./notifications";
import { navigate } from "./route";

/** The client of whoever is logged in. */
export const client = signal<ChatClient | null>(null);

/** Why the last session ended, if it has: the log-in screen tells. */
export const endedBy = signal<string | null>(null);

/** The password that was just typed to log in, until it is known to be good; never stored. */
export const typedPassword = signal<string | null>(null);

const OWN_CHOICE = "logged_out";

/** Go on with the session that this browser keeps, if there is one. */
export function resume(): void {
  const login = new LogInStore().read();
  if (login === null) forgetSessions();
  else begin(login);
}

/** Begin a session; `password` is what was typed for it. */
export function begin(login: StoredLogin, password: string | null = null): void {
  client.value?.stop();
  const chat = new ChatClient(login);
  endedBy.value = null;
  typedPassword.value = password;
  client.value = chat;
  follow(chat);
  notifyOf(chat);
  chat.subscribe(({ about }) => {
    if (about !== "status") return;
    if (chat.status.kind === "online") typedPassword.value = null;
    if (chat.status.kind === "ended") ended(chat, chat.status.code);
  });
  chat.start();
}

function ended(chat: ChatClient, code: string): void {
  chat.stop();
  if (client.value !== chat) return;
  dismissAll();
  typedPassword.value = null;
  client.value = null;
  endedBy.value = code === OWN_CHOICE ? null : code;
  navigate("/log-in");
}

// What the browser knows of its network, and a machine that wakes up, are hints to look.
const probe = () => void client.value?.probe();
addEventListener("online", probe);
addEventListener("offline", probe);
addEventListener("visibilitychange", () => {
  if (!document.hidden) probe();
});
