import { concernsSession, Refused } from "./errors";
import type { Method, Send } from "./http";
import type { Tokens } from "./tokens";
import type { Conversation, History, Message, Page, Role, Session, User } from "./wire";

/** The HTTP calls of whoever is logged in. Each throws `Disconnected`, `Refused`. */
export class Api {
  private readonly tokens: Tokens;
  private readonly send: Send;
  private readonly stopped: (code: string) => void;

  /** `stopped` hears of the session's end, and that it needs another password first. */
  constructor(tokens: Tokens, send: Send, stopped: (code: string) => void) {
    this.tokens = tokens;
    this.send = send;
    this.stopped = stopped;
  }

  me = () => this.ask<User>("GET", "/users/me");
  /** Null removes. Another e-mail address, or none, needs the current password. */
  changeMe = (changes: {
    displayName?: string | null;
    email?: string | null;
    currentPassword?: string;
  }) => this.ask<User>("PATCH", "/users/me", changes);
  changePassword = (currentPassword: string, newPassword: string) =>
    this.ask<undefined>("PUT", "/users/me/password", { currentPassword, newPassword });
  deleteMe = (password: string) => this.ask<undefined>("DELETE", "/users/me", { password });
  logOut = () => this.ask<undefined>("POST", "/users/logout");

  search = (q: string) => this.ask<Page<User>>("GET", `/users?${new URLSearchParams({ q })}`);
  users = (ids: readonly string[]) =>
    this.ask<Page<User>>("GET", `/users?${new URLSearchParams({ ids: ids.join(), limit: "200" })}`);
  /** Whether one has blocked that user. */
  async hasBlocked(userId: string): Promise<boolean> {
    let cursor: string | null = null;
    do {
      const page: Page<User> = await this.ask("GET", `/blocks?limit=200${cursorQuery(cursor)}`);
      if (page.items.some(({ id }) => id === userId)) return true;
      cursor = page.nextCursor;
    } while (cursor !== null);
    return false;
  }
  block = (userId: string) => this.ask<undefined>("PUT", `/users/${userId}/block`);
  unblock = (userId: string) => this.ask<undefined>("DELETE", `/users/${userId}/block`);

  sessions = (cursor: string | null) =>
    this.ask<Page<Session>>("GET", `/sessions?limit=50${cursorQuery(cursor)}`);
  endSession = (id: string) => this.ask<undefined>("DELETE", `/sessions/${id}`);

  conversations = (cursor: string | null) =>
    this.ask<Page<Conversation>>("GET", `/conversations?limit=200${cursorQuery(cursor)}`);
  conversation = (id: string) => this.ask<Conversation>("GET", `/conversations/${id}`);
  openDirect = (userId: string) =>
    this.ask<Conversation>("POST", "/conversations", { kind: "direct", userId });
  openGroup = (title: string, memberIds: string[], clientConversationId: string) =>
    this.ask<Conversation>("POST", "/conversations", {
      kind: "group",
      title,
      memberIds,
      clientConversationId,
    });
  rename = (id: string, title: string) =>
    this.ask<Conversation>("PATCH", `/conversations/${id}`, { title });
  addMember = (id: string, userId: string) =>
    this.ask<Conversation>("POST", `/conversations/${id}/members`, { userId });
  changeRole = (id: string, userId: string, role: Role) =>
    this.ask<Conversation>("PATCH", `/conversations/${id}/members/${userId}`, { role });
  removeMember = (id: string, userId: string) =>
    this.ask<undefined>("DELETE", `/conversations/${id}/members/${userId}`);

  history = (id: string, before: number, limit: number) =>
    this.ask<History>("GET", `/conversations/${id}/messages?before=${before}&limit=${limit}`);
  edit = (messageId: string, content: string) =>
    this.ask<Message>("PATCH", `/messages/${messageId}`, { content });
  delete = (messageId: string) => this.ask<Message>("DELETE", `/messages/${messageId}`);

  private async ask<Answer>(method: Method, path: string, body?: object): Promise<Answer> {
    const token = await this.tokens.fresh();
    try {
      return await this.send<Answer>(method, path, body, token);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (concernsSession(error.code)) this.stopped(error.code);
      if (error.code !== "token_expired") throw error;
      // A clock may be wrong, or the machine have slept: what counts is what the server says.
      return this.send<Answer>(method, path, body, await this.tokens.refresh(token));
    }
  }
}

function cursorQuery(cursor: string | null): string {
  return cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
}
