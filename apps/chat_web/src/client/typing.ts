import { Disconnected, Refused } from "./errors";
import type { Link } from "./link";

/** The server forgets after 6 seconds that somebody types: say it again before that. */
const RENEW_MS = 4_000;
/** So long after the last key nobody types any more. */
const IDLE_MS = 5_000;

/** Tells the others that one types here, and that one has stopped. */
export class TypingAnnouncer {
  private readonly link: Link;
  private conversationId: string | null = null;
  private toldAt = 0;
  private idle: ReturnType<typeof setTimeout> | undefined;

  constructor(link: Link) {
    this.link = link;
  }

  /** A key was pressed in that conversation. */
  typed(conversationId: string): void {
    if (this.conversationId !== conversationId) this.stopped();
    if (this.conversationId === null || Date.now() - this.toldAt >= RENEW_MS) {
      this.conversationId = conversationId;
      this.toldAt = Date.now();
      this.tell(conversationId, true);
    }
    clearTimeout(this.idle);
    this.idle = setTimeout(() => this.stopped(), IDLE_MS);
  }

  /** It was sent, or given up. */
  stopped(): void {
    clearTimeout(this.idle);
    if (this.conversationId === null) return;
    this.tell(this.conversationId, false);
    this.conversationId = null;
  }

  private tell(conversationId: string, typing: boolean): void {
    this.link.call("typing", { conversationId, typing }).catch((error: unknown) => {
      // Nobody misses it: it is over in seconds anyway.
      if (!(error instanceof Disconnected || error instanceof Refused)) throw error;
    });
  }
}
