import { ConversationState } from "./conversation-state";
import { entryOf } from "./decoding";
import type { LogEvent, ServerEvent, SyncPart } from "./wire";

/**
 * What one client knows of all conversations: the one reducer that pushes and `sync` go through.
 *
 * No I/O and no clock. Feed every push to `push` and every part of an answer of `sync` to
 * `synced`; what they return says what to ask next.
 */
export class ChatState {
  readonly conversations = new Map<string, ConversationState>();
  readonly online = new Map<string, boolean>();
  private readonly me: string;

  constructor(me: string) {
    this.me = me;
  }

  /**
   * Take a push: the id of the conversation in which something is missing now, else null.
   *
   * A push that is known already changes nothing. One that comes too early is dropped, since
   * `sync` will bring it. One of a conversation that is not known takes a whole `sync`.
   */
  push(pushed: ServerEvent): string | null {
    switch (pushed.event) {
      case "new_message":
      case "message_updated":
      case "conversation_updated":
      case "unknown_entry":
        return this.entry(pushed);
      case "receipt":
        this.conversations.get(pushed.data.conversationId)?.raise([pushed.data]);
        return null;
      case "typing": {
        const typing = this.conversations.get(pushed.data.conversationId)?.typing;
        if (pushed.data.typing) typing?.add(pushed.data.userId);
        else typing?.delete(pushed.data.userId);
        return null;
      }
      case "presence_changed":
        this.online.set(pushed.data.userId, pushed.data.online);
        return null;
      default:
        return null;
    }
  }

  /** What to name in a `sync`: up to where each conversation is complete. */
  seqs(): Map<string, number> {
    return new Map([...this.conversations].map(([id, { seq }]) => [id, seq]));
  }

  /** Take one conversation of an answer: whether there is more of it to ask for. */
  synced(part: SyncPart): boolean {
    const { conversationId } = part;
    let state = this.conversations.get(conversationId);
    if (part.reset || state === undefined) {
      if (part.reset && part.lastSeq === 0) {
        this.conversations.delete(conversationId);
        return false;
      }
      const base = (part.entries[0]?.seq ?? part.lastSeq + 1) - 1;
      state = new ConversationState(conversationId, this.me, base);
      this.conversations.set(conversationId, state);
    }
    for (const entry of part.entries) {
      const { seq } = entry;
      if (seq === state.seq + 1) state.apply(entryOf(entry, { conversationId, seq }));
    }
    state.settle(part);
    return part.hasMore || state.seq < part.lastSeq;
  }

  private entry(pushed: LogEvent): string | null {
    const { conversationId, seq } = pushed.data;
    let state = this.conversations.get(conversationId);
    if (state === undefined) {
      if (seq !== 1) return conversationId;
      state = new ConversationState(conversationId, this.me);
      this.conversations.set(conversationId, state);
    }
    if (seq <= state.seq) return null;
    if (seq > state.seq + 1) return conversationId;
    state.apply(pushed);
    return null;
  }
}
