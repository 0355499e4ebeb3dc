const EDIT = ":edit:";

/** Under which a change of a message is kept, in place of the conversation's id. */
export function editKey(conversationId: string, messageId: string): string {
  return `${conversationId}${EDIT}${messageId}`;
}

/** What somebody has begun to write, by conversation, kept in the browser's storage. */
export class Drafts {
  private readonly prefix: string;
  private readonly storage: Storage;

  constructor(userId: string, storage: Storage = localStorage) {
    this.prefix = `chat:${userId}:draft:`;
    this.storage = storage;
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
    const keys = Array.from({ length: this.storage.length }, (_, at) => this.storage.key(at) ?? "");
    return keys.find((key) => key.startsWith(prefix))?.slice(prefix.length) ?? null;
  }

  clear(): void {
    const keys = Array.from({ length: this.storage.length }, (_, at) => this.storage.key(at) ?? "");
    for (const key of keys) if (key.startsWith(this.prefix)) this.storage.removeItem(key);
  }
}
