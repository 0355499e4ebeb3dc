import { keysOf, type SessionData } from "./session-data";

const EDIT = ":edit:";

/** Under which a change of a message is kept, in place of the conversation's id. */
export function editKey(conversationId: string, messageId: string): string {
  return `${conversationId}${EDIT}${messageId}`;
}

/** What somebody has begun to write, by conversation, kept in the browser's storage. */
export class Drafts {
  private readonly prefix: string;
  private readonly storage: Storage;

  constructor(data: SessionData) {
    this.prefix = data.key("draft:");
    this.storage = data.shared;
  }

  read(conversationId: string): string {
    return this.storage.getItem(this.prefix + conversationId) ?? "";
  }

  /** False where the storage is full: what was typed is on the screen alone. */
  write(conversationId: string, text: string): boolean {
    try {
      if (text === "") this.storage.removeItem(this.prefix + conversationId);
      else this.storage.setItem(this.prefix + conversationId, text);
      return true;
    } catch {
      return false;
    }
  }

  /** The message of that conversation that was being changed, by its id, or null. */
  edited(conversationId: string): string | null {
    const prefix = `${this.prefix}${conversationId}${EDIT}`;
    return keysOf(this.storage, prefix)[0]?.slice(prefix.length) ?? null;
  }
}
