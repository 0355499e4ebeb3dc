/** What goes over the wire, as docs/wire.md describes it. Ids are opaque, times RFC 3339 in UTC. */

export type Role = "owner" | "admin" | "member";

export interface Presence {
  online: boolean;
  devices: number;
  lastSeenAt: string | null;
}

/** An account. A deleted one has no names any more; `email` comes with one's own only. */
export interface User {
  id: string;
  username: string | null;
  displayName: string | null;
  createdAt: string;
  deletedAt: string | null;
  presence: Presence;
  email?: string | null;
}

export interface Login {
  token: string;
  expiresAt: string;
  refreshToken: string;
  sessionId: string;
  user: User;
}

/** One log-in of a user on one device. */
export interface Session {
  id: string;
  device: string | null;
  createdAt: string;
  lastSeenAt: string;
  current: boolean;
  online: boolean;
  /** Of the latest log-in or refresh; null in sessions from before these were kept. */
  address: string | null;
  userAgent: string | null;
}

/** Of two copies the one with the higher `updatedSeq` holds. A deleted one has no content. */
export interface Message {
  id: string;
  conversationId: string;
  seq: number;
  updatedSeq: number;
  senderId: string;
  recipientId: string | null;
  content: string | null;
  clientMessageId: string | null;
  createdAt: string;
  editedAt: string | null;
  deletedAt: string | null;
}

/** Everything up to these places has arrived at a member, or was read. */
export interface Receipt {
  userId: string;
  deliveredSeq: number;
  readSeq: number;
}

export interface Member {
  userId: string;
  role: Role;
  joinedAt: string;
}

export interface Conversation {
  id: string;
  kind: "direct" | "group";
  title: string | null;
  /** In a list 20 of them at most: oneself, then who joined first. */
  members: Member[];
  memberCount: number;
  firstSeq: number;
  lastSeq: number;
  lastMessage: Message | null;
  readSeq: number;
  unreadCount: number;
  receipts: Receipt[];
  createdAt: string;
}

export interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}

export interface History {
  items: Message[];
  hasMore: boolean;
}

export interface MessageUpdate {
  conversationId: string;
  seq: number;
  message: Message;
}

/** A change of a conversation itself; what it is not about is null. */
export interface ConversationUpdate {
  conversationId: string;
  seq: number;
  change:
    | "created"
    | "member_added"
    | "member_removed"
    | "role_changed"
    | "title_changed"
    | "member_deleted";
  actorId: string | null;
  userId: string | null;
  role: Role | null;
  title: string | null;
  members: { userId: string; role: Role }[] | null;
}

/** Where an entry stands. */
export interface EntryPlace {
  conversationId: string;
  seq: number;
}

/**
 * An entry of a conversation's log, as a push or a part of `sync` brings it. `unknown_entry` stands
 * for every event, and every change of a conversation, that only later versions know.
 */
export type LogEvent =
  | { event: "new_message"; data: Message }
  | { event: "message_updated"; data: MessageUpdate }
  | { event: "conversation_updated"; data: ConversationUpdate }
  | { event: "unknown_entry"; data: EntryPlace };

/** All that the server pushes, as far as this client knows it. */
export type ServerEvent =
  | LogEvent
  | { event: "receipt"; data: Receipt & { conversationId: string } }
  | { event: "typing"; data: { conversationId: string; userId: string; typing: boolean } }
  | {
      event: "presence_changed";
      data: { userId: string; online: boolean; lastSeenAt: string | null };
    }
  | { event: "user_updated"; data: { user: User } }
  | { event: "registration_success"; data: Registration }
  | { event: "auth_error"; data: { code: string; message: string } }
  | { event: "server_closing"; data: { reconnectAfterMs: number } };

export interface Registration {
  userId: string;
  sessionId: string;
  devices: number;
  expiresAt: string;
  serverTime: string;
}

/** One conversation in the answer of `sync`. */
export interface SyncPart {
  conversationId: string;
  entries: { seq: number; event: string; data: unknown }[];
  firstSeq: number;
  lastSeq: number;
  hasMore: boolean;
  reset: boolean;
  readSeq: number;
  unreadCount: number;
  receipts: Receipt[];
}

export interface SyncAnswer {
  conversations: SyncPart[];
  nextCursor: string | null;
}

export interface SyncRequest {
  conversations: Record<string, number>;
  others: "latest" | "none";
  limit?: number;
  cursor?: string;
}

/** What a client may ask over the socket: each event, its payload, and its ack. */
export interface ClientEvents {
  register_user: { payload: { token: string; device?: string }; ack: Registration };
  send_message: { payload: NewMessage; ack: { message: Message; duplicate: boolean } };
  sync: { payload: SyncRequest; ack: SyncAnswer };
  mark_delivered: { payload: Mark; ack: { deliveredSeq: number; readSeq: number } };
  mark_read: { payload: Mark; ack: { deliveredSeq: number; readSeq: number } };
  typing: { payload: { conversationId: string; typing: boolean }; ack: object };
}

export interface NewMessage {
  conversationId: string;
  content: string;
  clientMessageId: string;
}

export interface Mark {
  conversationId: string;
  seq: number;
}

/** A problem document: `code` is for the program, the rest may be left out. */
export interface Problem {
  code: string;
  title?: string;
  status?: number;
  detail?: string;
  errors?: { field: string; message: string }[];
  retryAfter?: number;
  incidentId?: string;
}
