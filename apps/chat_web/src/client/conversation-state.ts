import type {
  Conversation,
  ConversationUpdate,
  LogEvent,
  Message,
  Receipt,
  Role,
  SyncPart,
} from "./wire";

/** What stands in a conversation, by its place: messages, and changes as far as they were seen. */
export type TimelineItem =
  | { kind: "message"; seq: number; message: Message }
  | { kind: "change"; seq: number; change: ConversationUpdate };

/**
 * One conversation, complete for the places after `base` up to `seq`.
 *
 * The log tells who said what; `kind` and the members come with a `Conversation` from HTTP, which
 * `describe` takes in at its place of the log. `isDescribed` says whether that has happened, and
 * `hasAllMembers` whether `members` are all: one from a list has 20 of them at most.
 */
export class ConversationState {
  readonly id: string;
  base: number;
  seq: number;
  isDescribed = false;
  kind: "direct" | "group" = "group";
  title: string | null = null;
  createdAt: string | null = null;
  readonly members = new Map<string, Role>();
  hasAllMembers = false;
  readonly messages = new Map<string, Message>();
  /** What is shown, by place. Items are replaced, never changed, so that a view can compare. */
  readonly timeline: TimelineItem[] = [];
  readSeq = 0;
  unreadCount = 0;
  readonly receipts = new Map<string, Receipt>();
  readonly typing = new Set<string>();
  private readonly me: string;
  private changedSeq = 0;
  /** Up to where changes are in `members` already, and how many members are not. */
  private membersSeq = 0;
  private unlisted = 0;
  private lastKnown: Message | null = null;

  constructor(id: string, me: string, base = 0) {
    this.id = id;
    this.me = me;
    this.base = base;
    this.seq = base;
  }

  get memberCount(): number {
    return this.members.size + this.unlisted;
  }

  /** The latest message, or null where nothing was said yet. */
  get lastMessage(): Message | null {
    for (let at = this.timeline.length - 1; at >= 0; at--) {
      const item = this.timeline[at];
      if (item?.kind === "message") return item.message;
    }
    return this.lastKnown;
  }

  /** Whether there is history before what is loaded. */
  get hasEarlier(): boolean {
    return this.base > 0;
  }

  /** Take the entry of the next place. */
  apply(entry: LogEvent): void {
    switch (entry.event) {
      case "new_message":
        this.add(entry.data);
        break;
      case "message_updated":
        this.keep(entry.data.message);
        break;
      case "conversation_updated":
        this.change(entry.data);
        break;
      case "unknown_entry": // its place is all that is known of it
    }
    this.seq = entry.data.seq;
  }

  /** Take older messages, as `GET …/messages?before=` gives them. */
  addHistory(items: readonly Message[], hasMore: boolean): void {
    const earlier: TimelineItem[] = [];
    for (const item of items) {
      if (item.seq > this.base) continue;
      const known = this.messages.get(item.id);
      const message = known !== undefined && known.updatedSeq > item.updatedSeq ? known : item;
      this.messages.set(message.id, message);
      earlier.push({ kind: "message", seq: message.seq, message });
    }
    this.timeline.unshift(...earlier);
    this.base = hasMore ? (earlier[0]?.seq ?? this.base) - 1 : 0;
  }

  /**
   * Take kind, title and members. False if the answer is older than a change that is known
   * already: then it has to be asked for again.
   */
  describe(told: Conversation): boolean {
    if (told.lastSeq < this.changedSeq) return false;
    this.isDescribed = true;
    // A kind that only later versions know has members and a title, as a group has.
    this.kind = told.kind === "direct" ? "direct" : "group";
    this.title = told.title;
    this.createdAt = told.createdAt;
    this.takeMembers(told);
    this.lastKnown = told.lastMessage;
    this.raise(told.receipts);
    if (told.lastSeq === this.seq) this.unreadCount = told.unreadCount;
    this.readUpTo(told.readSeq);
    return true;
  }

  private takeMembers({ members, memberCount, lastSeq }: Conversation): void {
    const unlisted = memberCount - members.length;
    if (unlisted > 0 && this.hasAllMembers) return;
    this.members.clear();
    for (const { userId, role } of members) this.members.set(userId, role);
    this.unlisted = unlisted;
    this.hasAllMembers = unlisted === 0;
    this.membersSeq = lastSeq;
  }

  /** Take what an answer of `sync` says beside its entries. */
  settle(part: SyncPart): void {
    this.raise(part.receipts);
    this.readSeq = Math.max(this.readSeq, part.readSeq);
    this.unreadCount = part.unreadCount;
  }

  /** Marks only rise, whoever tells of them. */
  raise(receipts: readonly Receipt[]): void {
    for (const { userId, deliveredSeq, readSeq } of receipts) {
      const known = this.receipts.get(userId);
      this.receipts.set(userId, {
        userId,
        deliveredSeq: Math.max(known?.deliveredSeq ?? 0, deliveredSeq),
        readSeq: Math.max(known?.readSeq ?? 0, readSeq),
      });
      if (userId === this.me) this.readUpTo(readSeq);
    }
  }

  /** Everything up to there was read by oneself, here or on another device. */
  readUpTo(seq: number): void {
    if (seq <= this.readSeq) return;
    this.readSeq = seq;
    if (seq < this.base) return; // what is unread reaches into what is not loaded: sync counts
    this.unreadCount = 0;
    for (let at = this.timeline.length - 1; at >= 0; at--) {
      const item = this.timeline[at];
      if (item === undefined || item.seq <= seq) return;
      if (item.kind === "message" && this.isUnread(item.message)) this.unreadCount += 1;
    }
  }

  private isUnread(message: Message): boolean {
    return message.senderId !== this.me && message.content !== null;
  }

  private add(message: Message): void {
    this.typing.delete(message.senderId);
    this.keep(message);
    if (message.senderId === this.me) this.readUpTo(message.seq);
    else if (message.seq > this.readSeq && this.isUnread(message)) this.unreadCount += 1;
  }

  private keep(message: Message): void {
    const known = this.messages.get(message.id);
    if (known !== undefined && message.updatedSeq < known.updatedSeq) return;
    this.messages.set(message.id, message);
    if (message.seq <= this.base) return; // history will show it, should it be loaded
    const item: TimelineItem = { kind: "message", seq: message.seq, message };
    const at = placeOf(this.timeline, message.seq);
    this.timeline.splice(at, this.timeline[at]?.seq === message.seq ? 1 : 0, item);
    if (known === undefined || message.seq <= this.readSeq) return;
    if (this.isUnread(known) && !this.isUnread(message)) this.unreadCount -= 1;
  }

  private change(data: ConversationUpdate): void {
    this.changedSeq = data.seq;
    this.timeline.push({ kind: "change", seq: data.seq, change: data });
    if (data.change === "created" || data.change === "title_changed") this.title = data.title;
    if (data.change === "member_deleted" && data.userId !== null) this.blank(data.userId, data.seq);
    if (data.seq > this.membersSeq) this.changeMembers(data);
  }

  private changeMembers({ change, userId, role, members }: ConversationUpdate): void {
    if (change === "created") {
      this.members.clear();
      for (const member of members ?? []) this.members.set(member.userId, member.role);
      this.unlisted = 0;
      this.hasAllMembers = true;
    }
    if (userId === null) return;
    switch (change) {
      case "role_changed":
        if (!this.members.has(userId)) this.foundUnlisted();
        if (role !== null) this.members.set(userId, role);
        break;
      case "member_added":
        if (role !== null) this.members.set(userId, role);
        break;
      case "member_removed":
        if (!this.members.delete(userId)) this.foundUnlisted();
        break;
      case "member_deleted":
        // Whose account is gone may have left before: only the server knows how many are left.
        if (!this.members.delete(userId) && this.unlisted > 0) this.isDescribed = false;
    }
  }

  private foundUnlisted(): void {
    if (this.unlisted > 0) this.unlisted -= 1;
  }

  /** All that a deleted account has said up to there is gone; that entry stands for all of it. */
  private blank(userId: string, seq: number): void {
    for (const message of this.messages.values()) {
      if (message.senderId !== userId || message.seq > seq || message.deletedAt !== null) continue;
      this.keep({ ...message, content: null, updatedSeq: seq });
    }
  }
}

/** Where in a timeline that place is, or would be. */
export function placeOf(timeline: readonly TimelineItem[], seq: number): number {
  let low = 0;
  let high = timeline.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((timeline[middle]?.seq ?? 0) < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
