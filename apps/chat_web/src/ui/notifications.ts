import { signal } from "@preact/signals";
import type { ChatClient, Message } from "../client";
import { nameOf, titleOf } from "./names";
import { conversationPath, navigate, route } from "./route";

/** Whether the person wants notifications, and the browser may show them. */
export const notificationsOn = signal(isWanted());

/** The latest message that came in, for those who listen instead of looking. */
export const arrival = signal<Message | null>(null);

const KEY = "chat:notifications";

function isWanted(): boolean {
  return (
    "Notification" in globalThis &&
    Notification.permission === "granted" &&
    localStorage.getItem(KEY) === "on"
  );
}

/** Turn notifications on, which asks the person, or off. */
export async function setNotifications(on: boolean): Promise<void> {
  const isAllowed = on && (await Notification.requestPermission()) === "granted";
  localStorage.setItem(KEY, isAllowed ? "on" : "off");
  notificationsOn.value = isWanted();
}

/** Tell of what comes in while nobody looks. */
export function notifyOf(client: ChatClient): void {
  client.subscribe((change) => {
    if (change.about !== "arrival") return;
    arrival.value = change.message;
    if (document.hidden && notificationsOn.value) show(client, change.message);
  });
}

function show(client: ChatClient, message: Message): void {
  const conversation = client.state.conversations.get(message.conversationId);
  if (conversation === undefined) return;
  const sender = nameOf(client, message.senderId);
  const isGroup = conversation.kind === "group";
  const title = isGroup ? `${sender}, ${titleOf(client, conversation)}` : sender;
  try {
    const shown = new Notification(title, {
      body: message.content ?? "",
      tag: message.conversationId,
      dir: "auto",
    });
    shown.onclick = () => {
      focus();
      navigate(conversationPath(message.conversationId));
      shown.close();
    };
  } catch {
    // Some phones show notifications for installed pages alone.
    notificationsOn.value = false;
  }
}

/** Whether somebody looks at that conversation. */
export function isLookedAt(conversationId: string): boolean {
  const now = route.value;
  return !document.hidden && now.screen === "conversation" && now.id === conversationId;
}
