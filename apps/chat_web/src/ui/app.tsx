import { useEffect } from "preact/hooks";
import type { ChatClient } from "../client";
import { changed } from "./live";
import { listed, nameOf, titleOf } from "./names";
import { arrival, isLookedAt } from "./notifications";
import { ConnectionStatus } from "./parts/connection-status";
import { navigate, type Route, route } from "./route";
import { Conversation } from "./screens/conversation";
import { ConversationList } from "./screens/conversation-list";
import { Details } from "./screens/details";
import { Devices } from "./screens/devices";
import { LogIn } from "./screens/log-in";
import { NewConversation } from "./screens/new-conversation";
import { OwnPassword } from "./screens/own-password";
import { Profile } from "./screens/profile";
import { client } from "./session";

export function App() {
  const chat = client.value;
  const { screen } = route.value;
  const isOutside = screen === "log-in" || screen === "register";
  useEffect(() => {
    if (chat === null && !isOutside) navigate("/log-in", { replace: true });
    if (chat !== null && isOutside) navigate("/", { replace: true });
  }, [chat, isOutside]);
  changed.status.value;
  if (chat === null) {
    document.title = "Chat";
    return <LogIn isNew={screen === "register"} />;
  }
  if (chat.status.kind === "password_change") {
    document.title = "Chat";
    return <OwnPassword client={chat} />;
  }
  return <Chats client={chat} route={route.value} />;
}

/** The list of conversations, and beside it, or over it on a phone, what was chosen. */
function Chats({ client: chat, route: now }: { client: ChatClient; route: Route }) {
  useTitle(chat, now);
  const openId = "id" in now ? now.id : null;
  return (
    <main class={`chats ${now.screen === "chats" ? "shows-list" : "shows-pane"}`}>
      <ConnectionStatus client={chat} />
      <ConversationList client={chat} openId={openId} isAlone={now.screen === "chats"} />
      <div class="pane">
        <Pane client={chat} route={now} />
      </div>
      <Announcer client={chat} />
    </main>
  );
}

function Pane({ client: chat, route: now }: { client: ChatClient; route: Route }) {
  switch (now.screen) {
    case "conversation":
      return <Conversation key={now.id} client={chat} id={now.id} />;
    case "details":
      return <Details key={now.id} client={chat} id={now.id} />;
    case "new":
      return <NewConversation client={chat} />;
    case "profile":
      return <Profile client={chat} />;
    case "devices":
      return <Devices client={chat} />;
    default:
      return <p class="nothing-chosen">Choose a conversation, or start a new one.</p>;
  }
}

/** The window's title: how much is unread, and where one is. */
function useTitle(chat: ChatClient, now: Route): void {
  changed.conversations.value;
  let unread = 0;
  for (const { unreadCount } of chat.state.conversations.values()) unread += unreadCount;
  const open = "id" in now ? chat.state.conversations.get(now.id) : undefined;
  const where = open === undefined ? "Chat" : `${titleOf(chat, open)} · Chat`;
  document.title = unread > 0 ? `(${unread}) ${where}` : where;
}

/** Reads out what comes in to whoever can't see it. */
function Announcer({ client: chat }: { client: ChatClient }) {
  const message = arrival.value;
  const conversation =
    message === null ? undefined : chat.state.conversations.get(message.conversationId);
  if (message === null || conversation === undefined) return <Announced text="" />;
  const sender = nameOf(chat, message.senderId);
  if (isLookedAt(conversation.id))
    return <Announced text={`${sender}: ${message.content ?? ""}`} />;
  const where = conversation.kind === "group" ? titleOf(chat, conversation) : "";
  return <Announced text={`New message: ${listed([sender, where].filter(Boolean))}`} />;
}

function Announced({ text }: { text: string }) {
  return (
    <p class="only-heard" aria-live="polite">
      {text}
    </p>
  );
}
