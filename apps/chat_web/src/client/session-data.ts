/** Before the name of everything that this client stores in the browser. */
const OURS = "chat:";
const SESSION = `${OURS}session:`;
/** The tokens, and what is typed before there is a session. */
const OF_NO_SESSION = [`${OURS}login`, `${OURS}form:`];

/**
 * What one session stores in this browser: drafts, messages that wait, choices.
 *
 * All of it is under one prefix, so that all of it goes when the session ends, and nothing of the
 * next session goes with it.
 */
export class SessionData {
  /** For all windows of this browser. */
  readonly shared: Storage;
  /** For this window, as long as it is open. */
  readonly window: Storage;
  private readonly prefix: string;

  constructor(sessionId: string, shared = localStorage, window = sessionStorage) {
    this.prefix = `${SESSION}${sessionId}:`;
    this.shared = shared;
    this.window = window;
  }

  /** The key of something with that name. */
  key(name: string): string {
    return this.prefix + name;
  }

  /** Remove all of it: the session is over. */
  forget(): void {
    remove([this.shared, this.window], (key) => key.startsWith(this.prefix));
  }

  /** Remove what any other session has left, whose end no window here has seen. */
  forgetOthers(): void {
    const kept = [this.prefix, ...OF_NO_SESSION];
    remove([this.shared, this.window], (key) => !startsWithOne(key, kept));
  }
}

/** Remove what any session has left here: there is none now. */
export function forgetSessions(storages = [localStorage, sessionStorage]): void {
  remove(storages, (key) => !startsWithOne(key, OF_NO_SESSION));
}

/** The keys of a storage that begin so. */
export function keysOf(storage: Storage, prefix: string): string[] {
  const keys = Array.from({ length: storage.length }, (_, at) => storage.key(at) ?? "");
  return keys.filter((key) => key.startsWith(prefix));
}

function remove(storages: Storage[], isGone: (key: string) => boolean): void {
  for (const storage of storages)
    for (const key of keysOf(storage, OURS)) if (isGone(key)) storage.removeItem(key);
}

function startsWithOne(key: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => key.startsWith(prefix));
}
