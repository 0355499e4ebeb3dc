import type { Api } from "./api";
import type { ChatState } from "./chat-state";
import { Refused } from "./errors";
import type { Conversation } from "./wire";

/** From so many on, pages of all conversations cost less than one request each. */
const ONE_BY_ONE = 4;
const ATTEMPTS = 3;

/**
 * Fetches what the log does not tell of conversations: their kind, and members and title as of
 * before the entries that are here. Of large groups it fetches all members only when asked to.
 */
export class Describer {
  private readonly api: Api;
  private readonly state: ChatState;
  private readonly described: (conversation: Conversation) => void;
  private running: Promise<void> | null = null;
  private readonly gone = new Set<string>();

  constructor(api: Api, state: ChatState, described: (conversation: Conversation) => void) {
    this.api = api;
    this.state = state;
    this.described = described;
  }

  /** Have every conversation described. Throws `Disconnected`, `Refused`. */
  all(): Promise<void> {
    this.running ??= this.run().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  /** Have all members of a conversation. Throws `Disconnected`, `Refused`. */
  async members(id: string): Promise<void> {
    // An answer that is older than a known change is refused: the next one is newer.
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (this.state.conversations.get(id)?.hasAllMembers !== false) return;
      this.take(await this.api.conversation(id));
    }
  }

  /** Take a conversation that came with another answer. */
  take(conversation: Conversation): void {
    const state = this.state.conversations.get(conversation.id);
    if (state?.describe(conversation)) this.described(conversation);
  }

  private async run(): Promise<void> {
    for (let missing = this.missing(); missing.length > 0; missing = this.missing()) {
      if (missing.length < ONE_BY_ONE) await this.each(missing);
      else await this.pages();
    }
  }

  private missing(): string[] {
    return [...this.state.conversations.values()]
      .filter(({ id, isDescribed }) => !isDescribed && !this.gone.has(id))
      .map(({ id }) => id);
  }

  private async each(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      try {
        this.take(await this.api.conversation(id));
      } catch (error) {
        if (!(error instanceof Refused && error.code === "not_found")) throw error;
        this.gone.add(id); // one is not a member any more
      }
    }
  }

  private async pages(): Promise<void> {
    const before = this.missing().length;
    let cursor: string | null = null;
    do {
      const page: { items: Conversation[]; nextCursor: string | null } =
        await this.api.conversations(cursor);
      for (const conversation of page.items) this.take(conversation);
      cursor = page.nextCursor;
    } while (cursor !== null && this.missing().length > 0);
    if (this.missing().length === before) await this.each(this.missing());
  }
}
