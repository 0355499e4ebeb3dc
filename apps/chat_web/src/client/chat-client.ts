import { Api } from "./api";
import { ChatState } from "./chat-state";
import { Connection, type Status } from "./connection";
import { isEntry } from "./decoding";
import { Describer } from "./describer";
import { Directory } from "./directory";
import { Drafts } from "./drafts";
import { type Send, send } from "./http";
import { type Link, SocketLink } from "./link";
import { LogInStore, type StoredLogin } from "./log-in-store";
import { Marks } from "./marks";
import { Outbox } from "./outbox";
import { SessionData } from "./session-data";
import { Synchroniser } from "./synchroniser";
import { TypingAnnouncer } from "./typing";
import type { Conversation, LogEvent, Message, NewMessage, ServerEvent } from "./wire";

/** What is another than before. */
export type Change =
  | { about: "status" | "users" | "outbox" | "conversations" }
  | { about: "conversation"; id: string }
  /** Somebody else's message has come in, just now. */
  | { about: "arrival"; message: Message };

/** What a client is made of; a test brings its own. */
export interface Parts {
  link: Link;
  send: Send;
  store: LogInStore;
  data: SessionData;
}

const HISTORY_LIMIT = 100;

/**
 * One device of a user, for as long as the session lasts.
 *
 * It comes back by itself after every loss of the connection: it registers, asks `sync` for what
 * was missed, and sends what was not acked. It knows nothing of screens; whoever shows its state
 * listens by `subscribe`.
 */
export class ChatClient {
  readonly me: string;
  /** What the session stores in this browser. */
  readonly data: SessionData;
  readonly state: ChatState;
  readonly api: Api;
  readonly directory: Directory;
  readonly describer: Describer;
  readonly outbox: Outbox;
  readonly drafts: Drafts;
  readonly typing: TypingAnnouncer;
  private readonly link: Link;
  private readonly connection: Connection;
  private readonly marks: Marks;
  private readonly synchroniser: Synchroniser;
  private readonly listeners = new Set<(change: Change) => void>();
  private readonly loading = new Set<string>();
  private gaps = new Set<string>();
  private fillingGaps = false;
  private stopFollowing = () => {};

  constructor(login: StoredLogin, parts: Partial<Parts> = {}) {
    this.me = login.user.id;
    this.link = parts.link ?? new SocketLink();
    const sender = parts.send ?? send;
    const store = parts.store ?? new LogInStore();
    this.data = parts.data ?? new SessionData(login.sessionId);
    this.state = new ChatState(this.me);
    this.connection = new Connection(login, this.link, sender, store, {
      catchUp: () => this.synchroniser.all(),
      online: () => this.online(),
      heard: (pushed) => this.heard(pushed),
      lost: () => this.lost(),
      ended: () => this.data.forget(),
      statusChanged: () => this.tell({ about: "status" }),
    });
    this.api = new Api(this.connection.tokens, sender, (code) => this.connection.stopFor(code));
    this.directory = new Directory(this.api, () => this.tell({ about: "users" }));
    this.directory.take([login.user]);
    this.describer = new Describer(this.api, this.state, (told) => this.described(told));
    this.outbox = new Outbox(this.data, {
      isOnline: () => this.connection.isOnline,
      deliver: (message) => this.deliver(message),
      changed: () => this.tell({ about: "outbox" }),
    });
    this.drafts = new Drafts(this.data);
    this.marks = new Marks(this.link);
    this.typing = new TypingAnnouncer(this.link);
    this.synchroniser = new Synchroniser(this.link, this.state);
  }

  /** Hear of every change; returns how to stop. */
  subscribe(listener: (change: Change) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  get status(): Status {
    return this.connection.status;
  }

  /** Connect, and stay connected until the session ends or `stop`. */
  start(): void {
    this.data.forgetOthers();
    this.stopFollowing = this.outbox.followOthers();
    this.connection.start();
  }

  stop(): void {
    this.stopFollowing();
    this.connection.stop();
  }

  /** Ask whether the connection lives: the machine has slept, or its network is another. */
  probe(): Promise<void> {
    return this.connection.probe();
  }

  /** Send a message: it waits in the outbox until the server has it. Throws where that is full. */
  send(conversationId: string, content: string): void {
    this.typing.stopped();
    this.outbox.add(conversationId, content);
  }

  /** Everything in that conversation that is here was read. */
  read(conversationId: string): void {
    const state = this.state.conversations.get(conversationId);
    if (state === undefined || state.seq <= state.readSeq) return;
    state.readUpTo(state.seq);
    this.marks.read(conversationId, state.seq);
    this.tell({ about: "conversation", id: conversationId });
  }

  /** Load messages before those that are here. Throws `Disconnected`, `Refused`. */
  async loadEarlier(conversationId: string): Promise<void> {
    const state = this.state.conversations.get(conversationId);
    if (state === undefined || !state.hasEarlier || this.loading.has(conversationId)) return;
    this.loading.add(conversationId);
    try {
      const { items, hasMore } = await this.api.history(
        conversationId,
        state.base + 1,
        HISTORY_LIMIT,
      );
      state.addHistory(items, hasMore);
      this.tell({ about: "conversation", id: conversationId });
      void this.connection.attempt(() =>
        this.directory.want(items.map(({ senderId }) => senderId)),
      );
    } finally {
      this.loading.delete(conversationId);
    }
  }

  /** Show a conversation that was just made; its log follows by push or `sync`. */
  async opened(conversation: Conversation): Promise<void> {
    this.gaps.add(conversation.id);
    await this.fillGaps();
    this.describer.take(conversation);
  }

  /** Have another password; all other sessions end. Throws `Disconnected`, `Refused`. */
  async changePassword(current: string, next: string): Promise<void> {
    await this.api.changePassword(current, next);
    this.connection.passwordChanged();
  }

  /** End the session here and at the server. Throws `Disconnected`, `Refused`. */
  async logOut(): Promise<void> {
    await this.api.logOut();
    this.forget();
  }

  /** End the session here alone: nothing of it stays in this browser. */
  forget(): void {
    this.connection.end("logged_out");
  }

  private async online(): Promise<void> {
    this.tell({ about: "conversations" });
    this.forgetStored();
    void this.outbox.flush();
    this.tellMarks();
    await this.fillGaps();
    await this.connection.attempt(async () => {
      await Promise.all([this.describer.all(), this.directory.renew()]);
      await this.directory.want(this.people());
    });
  }

  private lost(): void {
    this.typing.stopped();
    for (const { typing } of this.state.conversations.values()) typing.clear();
  }

  /** A mark may have got lost with the connection, or with the server. */
  private tellMarks(): void {
    for (const { id, seq, readSeq, receipts } of this.state.conversations.values()) {
      const known = receipts.get(this.me);
      if (known !== undefined) this.marks.known(id, known);
      this.marks.delivered(id, seq);
      if (readSeq > 0) this.marks.read(id, readSeq);
    }
  }

  private heard(pushed: ServerEvent): void {
    this.directory.heard(pushed);
    this.take(pushed);
  }

  private take(pushed: ServerEvent): void {
    const known = this.seqOf(pushed);
    const gap = this.state.push(pushed);
    if (gap !== null) {
      this.gaps.add(gap);
      void this.connection.need(() => this.fillGaps());
    }
    if (!("conversationId" in pushed.data)) return;
    const state = this.state.conversations.get(pushed.data.conversationId);
    if (state === undefined) return;
    if (isEntry(pushed)) this.entered(pushed, state.seq);
    if (!state.isDescribed) void this.connection.attempt(() => this.describer.all());
    this.tell({ about: "conversation", id: state.id });
    if (pushed.event === "new_message" && state.seq > known && pushed.data.senderId !== this.me)
      this.tell({ about: "arrival", message: pushed.data });
  }

  /** Up to where the conversation is known that a push is about. */
  private seqOf({ data }: ServerEvent): number {
    if (!("conversationId" in data)) return 0;
    return this.state.conversations.get(data.conversationId)?.seq ?? 0;
  }

  private entered(entry: LogEvent, seq: number): void {
    this.marks.delivered(entry.data.conversationId, seq);
    const people = peopleOf(entry);
    if (people.some((id) => !this.directory.users.has(id)))
      void this.connection.attempt(() => this.directory.want(people));
    if (entry.event !== "new_message") return;
    const { senderId, clientMessageId } = entry.data;
    // Whichever window sent it, and whether or not its ack got through: it is stored.
    if (senderId === this.me && clientMessageId !== null) this.outbox.remove(clientMessageId);
  }

  /** What `sync` has brought of one's own messages needs no ack any more. */
  private forgetStored(): void {
    for (const { conversationId, clientMessageId } of this.outbox.all()) {
      const messages = this.state.conversations.get(conversationId)?.messages.values() ?? [];
      for (const message of messages)
        if (message.clientMessageId === clientMessageId) this.outbox.remove(clientMessageId);
    }
  }

  private async fillGaps(): Promise<void> {
    if (this.fillingGaps || !this.connection.isOnline) return;
    this.fillingGaps = true;
    try {
      while (this.gaps.size > 0) {
        const gaps = this.gaps;
        this.gaps = new Set();
        await this.synchroniser.gaps(gaps);
        for (const id of gaps) this.tell({ about: "conversation", id });
        this.tell({ about: "conversations" });
        void this.connection.attempt(() => this.describer.all());
      }
    } finally {
      this.fillingGaps = false;
    }
  }

  private async deliver(message: NewMessage): Promise<Message> {
    const ack = await this.link.call("send_message", message);
    this.take({ event: "new_message", data: ack.message });
    return ack.message;
  }

  private described(conversation: Conversation): void {
    this.tell({ about: "conversation", id: conversation.id });
    const people = conversation.members.map(({ userId }) => userId);
    void this.connection.attempt(() => this.directory.want(people));
  }

  private *people(): Iterable<string> {
    for (const { members, timeline } of this.state.conversations.values()) {
      yield* members.keys();
      for (const item of timeline) {
        if (item.kind === "message") yield item.message.senderId;
        else yield* peopleOf({ event: "conversation_updated", data: item.change });
      }
    }
  }

  private tell(change: Change): void {
    for (const listener of this.listeners) listener(change);
  }
}

function peopleOf(entry: LogEvent): string[] {
  if (entry.event === "new_message") return [entry.data.senderId];
  if (entry.event !== "conversation_updated") return [];
  const { actorId, userId, members } = entry.data;
  const named = [actorId, userId, ...(members ?? []).map((member) => member.userId)];
  return named.filter((id) => id !== null);
}
