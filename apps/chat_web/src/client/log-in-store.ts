import type { Login, User } from "./wire";

/** What is kept of a log-in, for all windows of this browser. */
export interface StoredLogin {
  token: string;
  refreshToken: string;
  sessionId: string;
  user: User;
  /** When to get new tokens, by this machine's clock, in milliseconds. */
  refreshAt: number;
}

const KEY = "chat:login";
/** Of an access token's life, how much passes before the next one is asked for. */
const REFRESH_AT = 0.75;

/**
 * Keeps the tokens in the browser's storage, where a reload and other windows find them.
 *
 * Scripts of this page can read them, so no foreign script may run here: the service sends a
 * content security policy that allows its own files alone.
 */
export class LogInStore {
  private readonly storage: Storage;

  constructor(storage: Storage = localStorage) {
    this.storage = storage;
  }

  read(): StoredLogin | null {
    const text = this.storage.getItem(KEY);
    return text === null ? null : (JSON.parse(text) as StoredLogin);
  }

  /** What is kept of that session's log-in: null also where another session has taken its place. */
  readOf(sessionId: string): StoredLogin | null {
    const login = this.read();
    return login?.sessionId === sessionId ? login : null;
  }

  /** `serverAhead`: by how many milliseconds the server's clock is before this machine's. */
  write(login: Login, serverAhead: number): StoredLogin {
    const now = Date.now();
    const life = Date.parse(login.expiresAt) - (now + serverAhead);
    const { token, refreshToken, sessionId, user } = login;
    const stored = { token, refreshToken, sessionId, user, refreshAt: now + life * REFRESH_AT };
    this.storage.setItem(KEY, JSON.stringify(stored));
    return stored;
  }

  /** Keep no tokens of that session. Those of the next one stay. */
  forget(sessionId: string): void {
    if (this.readOf(sessionId) !== null) this.storage.removeItem(KEY);
  }

  /** Tells when another window has written or forgotten a log-in. */
  onElsewhere(changed: () => void): () => void {
    const heard = (event: StorageEvent) => {
      if (event.key === KEY || event.key === null) changed();
    };
    globalThis.addEventListener("storage", heard);
    return () => globalThis.removeEventListener("storage", heard);
  }
}
