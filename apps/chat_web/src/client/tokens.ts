import { Disconnected, endsSession, Refused } from "./errors";
import { exclusive } from "./exclusive";
import { type Send, serverClock } from "./http";
import type { LogInStore, StoredLogin } from "./log-in-store";
import type { Login } from "./wire";

/** Waits between tries of one refresh, within the 10 seconds that its token may be used again. */
const RETRY_MS = [500, 1_500, 3_000];
const LOCK = "chat-refresh";

/**
 * The tokens of this browser's session, renewed before they run out.
 *
 * A refresh token is good for one use, so windows take turns: whoever comes second finds the new
 * tokens in the store, and uses those.
 */
export class Tokens {
  private readonly sessionId: string;
  private readonly store: LogInStore;
  private readonly send: Send;
  private readonly ended: (code: string) => void;
  private readonly renewed: (token: string) => void;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `ended` hears of the session's end, `renewed` of every new access token. */
  constructor(
    sessionId: string,
    store: LogInStore,
    send: Send,
    ended: (code: string) => void,
    renewed: (token: string) => void,
  ) {
    this.sessionId = sessionId;
    this.store = store;
    this.send = send;
    this.ended = ended;
    this.renewed = renewed;
  }

  /** An access token that is good for a while. Throws `Disconnected`, `Refused`. */
  async fresh(): Promise<string> {
    const login = this.read();
    return Date.now() < login.refreshAt ? login.token : this.refresh(login.token);
  }

  /** A newer access token than `stale`. Throws `Disconnected`, `Refused`. */
  refresh(stale: string): Promise<string> {
    return exclusive(LOCK, async () => {
      const login = this.read();
      if (login.token !== stale) return login.token;
      const next = await this.exchange(login.refreshToken);
      this.read(); // another window may have logged out meanwhile: bring nothing back
      const stored = this.store.write(next, serverClock.aheadMs);
      this.renewed(stored.token);
      this.keepRenewing();
      return stored.token;
    });
  }

  /** Renew before the token runs out, for as long as this window lives. */
  keepRenewing(): void {
    this.stop();
    const login = this.store.readOf(this.sessionId);
    if (login === null) return;
    this.timer = setTimeout(
      () => {
        this.refresh(login.token).catch((error: unknown) => {
          // The next connection refreshes by itself.
          if (!(error instanceof Disconnected || error instanceof Refused)) throw error;
        });
      },
      Math.max(0, login.refreshAt - Date.now()),
    );
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private read(): StoredLogin {
    const login = this.store.readOf(this.sessionId);
    if (login === null) throw new Refused({ code: "unauthenticated" });
    return login;
  }

  private async exchange(refreshToken: string): Promise<Login> {
    for (const wait of [...RETRY_MS, null]) {
      try {
        return await this.send<Login>("POST", "/users/refresh", { refreshToken });
      } catch (error) {
        if (error instanceof Refused && (endsSession(error.code) || error.code === "token_expired"))
          this.ended(error.code);
        if (!(error instanceof Disconnected) || wait === null) throw error;
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
    throw new Disconnected();
  }
}
