import type { ChatClient, ConversationState, Message, User } from "../client";
import { changed, watch } from "./live";

/** Of whom nothing was told yet: that comes in a moment. */
const UNKNOWN = "…";
const DELETED = "Deleted account";

export function userOf(client: ChatClient, userId: string): User | undefined {
  changed.users.value; // drawn again when it changes
  return client.directory.users.get(userId);
}

export function nameOf(client: ChatClient, userId: string): string {
  const user = userOf(client, userId);
  if (user === undefined) return UNKNOWN;
  return user.displayName ?? user.username ?? DELETED;
}

/** The other one of a direct conversation. */
export function otherOf(client: ChatClient, conversation: ConversationState): string | undefined {
  watch(conversation);
  if (conversation.kind !== "direct") return undefined;
  return (
    [...conversation.members.keys()].find((id) => id !== client.me) ??
    senderOf(client, conversation)
  );
}

/** Of a conversation whose members are not known yet. */
function senderOf(client: ChatClient, { messages }: ConversationState): string | undefined {
  return [...messages.values()].find(({ senderId }) => senderId !== client.me)?.senderId;
}

export function titleOf(client: ChatClient, conversation: ConversationState): string {
  const other = otherOf(client, conversation);
  if (other !== undefined) return nameOf(client, other);
  return conversation.title ?? "Conversation";
}

/** Of one's own message: how far it has come among the others. */
export type Progress = "sent" | "delivered" | "read";

export function progressOf(conversation: ConversationState, { senderId, seq }: Message): Progress {
  watch(conversation);
  const others = [...conversation.members.keys()].filter((id) => id !== senderId);
  if (others.length === 0) return "sent";
  const marks = others.map((id) => conversation.receipts.get(id));
  if (marks.every((mark) => mark !== undefined && mark.readSeq >= seq)) return "read";
  if (marks.every((mark) => mark !== undefined && mark.deliveredSeq >= seq)) return "delivered";
  return "sent";
}

/** "Ann", "Ann and Bob", "Ann, Bob and Cleo". */
export function listed(names: readonly string[]): string {
  return new Intl.ListFormat(navigator.language, { type: "conjunction" }).format(names);
}
