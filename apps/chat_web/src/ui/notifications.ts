import { signal } from "@preact/signals";
import type { ChatClient, Message } from "../client";
import { nameOf, titleOf } from "./names";
import { conversationPath, navigate, route } from "./route";

/** Whether the person wants notifications, and the browser may show them. */
export const notificationsOn = signal(false);

/** The latest message that came in, for those who listen instead of looking. */
export const arrival = signal<Message | null>(null);

const shown = new Set<Notification>();

function isWanted({ data }: ChatClient): boolean {
  return (
    "Notification" in globalThis &&
    Notification.permission === "granted" &&
    data.shared.getItem(data.key("notifications")) === "on"
  );
}

/** Turn notifications on, which asks the person, or off. */
export async function setNotifications(client: ChatClient, on: boolean): Promise<void> {
  const isAllowed = on && (await Notification.requestPermission()) === "granted";
  const { data } = client;
  if (isAllowed) data.shared.setItem(data.key("notifications"), "on");
  else data.shared.removeItem(data.key("notifications"));
  notificationsOn.value = isWanted(client);
}

/** Tell of what comes in while nobody looks, until the session ends. */
export function notifyOf(client: ChatClient): void {
  notificationsOn.value = isWanted(client);
  client.subscribe((change) => {
    if (client.status.kind === "ended") return forgetArrivals();
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
    const notification = new Notification(title, {
      body: message.content ?? "",
      tag: message.conversationId,
      dir: "auto",
    });
    shown.add(notification);
    notification.onclose = () => shown.delete(notification);
    notification.onclick = () => {
      focus();
      navigate(conversationPath(message.conversationId));
      notification.close();
    };
  } catch {
    // Some phones show notifications for installed pages alone.
    notificationsOn.value = false;
  }
}

function forgetArrivals(): void {
  arrival.value = null;
  notificationsOn.value = false;
  for (const each of shown) each.close();
  shown.clear();
}

/** Whether somebody looks at that conversation. */
export function isLookedAt(conversationId: string): boolean {
  const now = route.value;
  return !document.hidden && now.screen === "conversation" && now.id === conversationId;
}
