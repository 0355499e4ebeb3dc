import type { ChatState } from "./chat-state";
import { Disconnected } from "./errors";
import type { Link } from "./link";
import type { SyncRequest } from "./wire";

/** Conversations that one request names: a frame of 64 KiB has room for about a thousand. */
const NAMED = 500;
/** Entries of a conversation: for a first look fewer than what fills a gap. */
const FIRST_LIMIT = 40;

/** Asks `sync` for what was missed, and feeds the state with it. Throws `Disconnected`, `Refused`. */
export class Synchroniser {
  private readonly link: Link;
  private readonly state: ChatState;

  constructor(link: Link, state: ChatState) {
    this.link = link;
    this.state = state;
  }

  /** Everything: after each connect. */
  async all(): Promise<void> {
    const named = [...this.state.seqs()];
    for (let start = NAMED; start < named.length; start += NAMED) {
      await this.some(new Map(named.slice(start, start + NAMED)), "none");
    }
    // Last, since the others are those above too: of them it brings nothing new.
    await this.some(new Map(named.slice(0, NAMED)), "latest");
  }

  /** What pushes have jumped over. */
  async gaps(ids: ReadonlySet<string>): Promise<void> {
    const seqs = this.state.seqs();
    const named = new Map([...seqs].filter(([id]) => ids.has(id)));
    if (named.size === ids.size) await this.some(named, "none");
    else await this.all();
  }

  private async some(named: ReadonlyMap<string, number>, others: "latest" | "none") {
    let before = "";
    let unfinished = await this.pages(named, others);
    while (unfinished.length > 0) {
      const seqs = this.state.seqs();
      const again = new Map(unfinished.map((id) => [id, seqs.get(id) ?? 0]));
      const asked = JSON.stringify([...again]);
      if (asked === before)
        throw new Disconnected("The server reports more entries but does not return them");
      before = asked;
      unfinished = await this.pages(again, "none");
    }
  }

  /** All pages of one request: the ids of the conversations that have further entries. */
  private async pages(named: ReadonlyMap<string, number>, others: "latest" | "none") {
    const unfinished: string[] = [];
    const request: SyncRequest = { conversations: Object.fromEntries(named), others };
    if (others === "latest" && named.size === 0) request.limit = FIRST_LIMIT;
    for (;;) {
      const answer = await this.link.call("sync", request);
      for (const part of answer.conversations) {
        if (this.state.synced(part)) unfinished.push(part.conversationId);
      }
      if (answer.nextCursor === null) return unfinished;
      request.cursor = answer.nextCursor;
    }
  }
}
