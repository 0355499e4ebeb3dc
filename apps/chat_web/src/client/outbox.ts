import { Disconnected, isTemporary, Refused } from "./errors";
import { exclusive } from "./exclusive";
import { keysOf, type SessionData } from "./session-data";
import type { Message, NewMessage, Problem } from "./wire";

/** A message that the server has not acked, under the client id that makes a retry safe. */
export interface Outgoing extends NewMessage {
  /** When it was written, in milliseconds. */
  at: number;
  /** Why the server does not take it. It waits for its writer, who sends it again or drops it. */
  refused: Problem | null;
}

/** What an outbox needs of the one that owns it. */
export interface OutboxOwner {
  /** Whether there is a registered connection. */
  isOnline(): boolean;
  deliver(message: NewMessage): Promise<Message>;
  /** The outbox is another than before. */
  changed(): void;
}

const WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/**
 * The messages of one session that wait for their ack, in the browser's storage.
 *
 * A message is stored before anything else happens to it, so a reload, a crash or a lost connection
 * loses none. They leave one after the other, each after the ack of the one before: so they
 * can't change places, and windows take turns. A message that was sent and not acked is sent again
 * under the same client id, which the server stores once.
 */
export class Outbox {
  /** Until when the server has asked for a pause, in milliseconds; 0 if it has not. */
  pausedUntil = 0;
  private readonly prefix: string;
  private readonly owner: OutboxOwner;
  private readonly storage: Storage;
  private flushing: Promise<void> | null = null;
  private isMoreAsked = false;
  private last = 0;

  constructor(data: SessionData, owner: OutboxOwner) {
    this.prefix = data.key("outbox:");
    this.owner = owner;
    this.storage = data.shared;
  }

  /** All that waits, oldest first: what other windows have written too. */
  all(): Outgoing[] {
    return this.keys().map((key) => JSON.parse(this.storage.getItem(key) ?? "") as Outgoing);
  }

  /** Store a message and send it as soon as may be. Throws where the storage is full. */
  add(conversationId: string, content: string): Outgoing {
    // Later than all before, although the clock may stand still or go back.
    const newest = Number(this.keys().at(-1)?.slice(this.prefix.length).split("-")[0] ?? 0);
    this.last = Math.max(Date.now(), this.last + 1, newest + 1);
    const clientMessageId = newClientId();
    const outgoing: Outgoing = {
      conversationId,
      content,
      clientMessageId,
      at: Date.now(),
      refused: null,
    };
    const place = String(this.last).padStart(16, "0");
    this.storage.setItem(`${this.prefix}${place}-${clientMessageId}`, JSON.stringify(outgoing));
    this.owner.changed();
    void this.flush();
    return outgoing;
  }

  /** Take a message out: the server has it, or its writer has dropped it. */
  remove(clientMessageId: string): void {
    const key = this.keyOf(clientMessageId);
    if (key === undefined) return;
    this.storage.removeItem(key);
    this.owner.changed();
  }

  /** Send once more what was refused. */
  retry(clientMessageId: string): void {
    this.mark(clientMessageId, null);
    void this.flush();
  }

  /** Send what waits, as far as the connection allows. */
  flush(): Promise<void> {
    if (this.flushing !== null) {
      // It may have had its last look at what waits.
      this.isMoreAsked = true;
      return this.flushing;
    }
    this.flushing = this.flushOnce();
    return this.flushing;
  }

  /** Follow what other windows add and take out, and send what a closed one has left. */
  followOthers(): () => void {
    const heard = ({ key }: StorageEvent) => {
      if (key !== null && !key.startsWith(this.prefix)) return;
      this.owner.changed();
      void this.flush();
    };
    globalThis.addEventListener("storage", heard);
    return () => globalThis.removeEventListener("storage", heard);
  }

  private async flushOnce(): Promise<void> {
    try {
      await exclusive(this.prefix, () => this.sendAll());
    } finally {
      this.flushing = null;
    }
    if (!this.isMoreAsked) return;
    this.isMoreAsked = false;
    await this.flush();
  }

  private async sendAll(): Promise<void> {
    let wait = WAIT_MS;
    for (let next = this.next(); this.owner.isOnline() && next !== undefined; next = this.next()) {
      const { conversationId, content, clientMessageId } = next;
      try {
        await this.owner.deliver({ conversationId, content, clientMessageId });
        this.remove(clientMessageId);
        wait = WAIT_MS;
      } catch (error) {
        if (error instanceof Disconnected) return;
        if (!(error instanceof Refused)) throw error;
        // Not registered any more: the next connection sends it.
        if (error.problem.status === 401) return;
        if (isTemporary(error.code)) {
          await this.pause((error.problem.retryAfter ?? 0) * 1000 || wait);
          wait = Math.min(wait * 2, LONGEST_WAIT_MS);
        } else {
          this.mark(clientMessageId, error.problem);
        }
      }
    }
  }

  private next(): Outgoing | undefined {
    return this.all().find(({ refused }) => refused === null);
  }

  private async pause(milliseconds: number): Promise<void> {
    this.pausedUntil = Date.now() + milliseconds;
    this.owner.changed();
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    this.pausedUntil = 0;
    this.owner.changed();
  }

  private mark(clientMessageId: string, refused: Problem | null): void {
    const key = this.keyOf(clientMessageId);
    const text = key === undefined ? null : this.storage.getItem(key);
    if (key === undefined || text === null) return;
    this.storage.setItem(key, JSON.stringify({ ...(JSON.parse(text) as Outgoing), refused }));
    this.owner.changed();
  }

  private keyOf(clientMessageId: string): string | undefined {
    return this.keys().find((key) => key.endsWith(`-${clientMessageId}`));
  }

  private keys(): string[] {
    return keysOf(this.storage, this.prefix).sort();
  }
}

/** 128 random bits. (`randomUUID` exists on secure pages only.) */
export function newClientId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
