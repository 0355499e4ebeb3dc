import { Disconnected, isTemporary, Refused } from "./errors";
import type { Link } from "./link";
import type { Receipt } from "./wire";

/** The two marks of one conversation that are to be told. */
interface Watermark {
  delivered: number;
  read: number;
}

const WAIT_MS = 1_000;

/**
 * Tells the server what has arrived and what was read.
 *
 * Marks are watermarks: of many in a row the highest alone is sent, one request at a time. What
 * could not be told waits for the next connection.
 */
export class Marks {
  private readonly link: Link;
  private readonly pending = new Map<string, Watermark>();
  private readonly told = new Map<string, Watermark>();
  private telling = false;

  constructor(link: Link) {
    this.link = link;
  }

  /** What the server says that it knows: marks above that are told again. */
  known(conversationId: string, { deliveredSeq, readSeq }: Receipt): void {
    this.told.set(conversationId, { delivered: deliveredSeq, read: readSeq });
  }

  /** Everything up to `seq` has arrived here. */
  delivered(conversationId: string, seq: number): void {
    this.raise(conversationId, { delivered: seq, read: 0 });
  }

  /** Everything up to `seq` was read, and so has arrived. */
  read(conversationId: string, seq: number): void {
    this.raise(conversationId, { delivered: seq, read: seq });
  }

  /** Tell what waits. */
  async flush(): Promise<void> {
    if (this.telling) return;
    this.telling = true;
    try {
      // A turn of the loop lets a burst of pushes end in one mark.
      await Promise.resolve();
      for (const [conversationId, mark] of this.pending) {
        this.pending.delete(conversationId);
        if (!(await this.tell(conversationId, mark))) return;
      }
    } finally {
      this.telling = false;
    }
  }

  private raise(conversationId: string, mark: Watermark): void {
    const told = this.told.get(conversationId) ?? { delivered: 0, read: 0 };
    if (mark.delivered <= told.delivered && mark.read <= told.read) return;
    this.pending.set(conversationId, higher(mark, this.pending.get(conversationId)));
    void this.flush();
  }

  private async tell(conversationId: string, mark: Watermark): Promise<boolean> {
    const told = this.told.get(conversationId) ?? { delivered: 0, read: 0 };
    try {
      if (mark.read > told.read)
        await this.link.call("mark_read", { conversationId, seq: mark.read });
      if (mark.delivered > Math.max(told.delivered, mark.read))
        await this.link.call("mark_delivered", { conversationId, seq: mark.delivered });
      this.told.set(conversationId, higher(mark, told));
      return true;
    } catch (error) {
      if (!(error instanceof Disconnected || error instanceof Refused)) throw error;
      const isOver = error instanceof Refused && !isTemporary(error.code);
      if (isOver && error.problem.status !== 401) return true; // not a member any more
      this.pending.set(conversationId, higher(mark, this.pending.get(conversationId)));
      if (error instanceof Refused && !isOver) {
        const wait = (error.problem.retryAfter ?? 0) * 1000 || WAIT_MS;
        setTimeout(() => void this.flush(), wait);
      }
      return false;
    }
  }
}

function higher(one: Watermark, other: Watermark | undefined): Watermark {
  return {
    delivered: Math.max(one.delivered, other?.delivered ?? 0),
    read: Math.max(one.read, other?.read ?? 0),
  };
}
