import { type Pushed, pushOf } from "./decoding";
import { Disconnected, endsSession, PASSWORD_CHANGE_REQUIRED, Refused } from "./errors";
import type { Send } from "./http";
import type { Link } from "./link";
import type { LogInStore, StoredLogin } from "./log-in-store";
import { Tokens } from "./tokens";
import type { Problem, ServerEvent } from "./wire";

/**
 * How it stands with the connection. `password_change`: the server does nothing else before the
 * password is another. `ended`: only another log-in helps, `code` says why.
 */
export type Status =
  | { kind: "connecting" }
  | { kind: "online" }
  | { kind: "offline"; problem: Problem | null }
  | { kind: "password_change" }
  | { kind: "ended"; code: string };

/** The session ended because another window of this browser logged out. */
export const LOGGED_OUT_ELSEWHERE = "logged_out_elsewhere";

/** What a connection needs of the client that it is for. */
export interface ConnectionOwner {
  /** Ask for what was missed, on a connection that was just registered. */
  catchUp(): Promise<void>;
  /** Do what needs a connection that has caught up. */
  online(): Promise<void>;
  heard(pushed: ServerEvent): void;
  /** What holds for a connection only is over. */
  lost(): void;
  /** The session is over: leave nothing of it in this browser. */
  ended(): void;
  statusChanged(): void;
}

const PROBE_SECONDS = 4;
const RETRY_MS = 3_000;

/** A registered connection, for as long as the session lasts: it comes back after every loss. */
export class Connection {
  status: Status = { kind: "connecting" };
  readonly tokens: Tokens;
  private readonly sessionId: string;
  private readonly link: Link;
  private readonly store: LogInStore;
  private readonly owner: ConnectionOwner;
  private stopListening = () => {};

  constructor(
    login: StoredLogin,
    link: Link,
    send: Send,
    store: LogInStore,
    owner: ConnectionOwner,
  ) {
    this.sessionId = login.sessionId;
    this.link = link;
    this.store = store;
    this.owner = owner;
    this.tokens = new Tokens(
      login.sessionId,
      store,
      send,
      (code) => this.end(code),
      (token) => this.renew(token),
    );
  }

  get isOnline(): boolean {
    return this.status.kind === "online";
  }

  start(): void {
    this.stopListening = this.store.onElsewhere(() => this.loginChangedElsewhere());
    this.tokens.keepRenewing();
    this.open();
  }

  stop(): void {
    this.stopListening();
    this.tokens.stop();
    this.link.close();
  }

  /** Ask whether the connection lives: the machine has slept, or its network is another. */
  async probe(): Promise<void> {
    if (this.status.kind === "offline") return this.link.reconnect();
    if (this.status.kind === "password_change") return this.open(); // changed elsewhere, perhaps
    if (!this.isOnline) return;
    await this.attempt(async () => {
      const token = await this.tokens.fresh();
      await this.link.call("register_user", { token }, PROBE_SECONDS);
    });
  }

  /** Do what all else rests on: if it fails, only a new connection and its `sync` mend it. */
  async need(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (this.stoppedBy(error) || !this.link.isConnected) return;
      const problem = error instanceof Refused ? error.problem : null;
      this.lost(problem);
      this.link.reconnect((problem?.retryAfter ?? 0) * 1000 || RETRY_MS);
    }
  }

  /** Do what the next connection does again anyway. */
  async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.stoppedBy(error);
    }
  }

  /** The session is over, or needs another password first. */
  stopFor(code: string): void {
    if (code === PASSWORD_CHANGE_REQUIRED) this.requirePasswordChange();
    else if (endsSession(code)) this.end(code);
  }

  /** Wait for another password. Tokens are renewed meanwhile. */
  private requirePasswordChange(): void {
    if (this.status.kind === "ended") return;
    this.link.close();
    this.setStatus({ kind: "password_change" });
  }

  /** The password is another now: connect, if that was in the way. */
  passwordChanged(): void {
    if (this.status.kind !== "password_change") return;
    this.setStatus({ kind: "connecting" });
    this.open();
  }

  /** The session is over. */
  end(code: string): void {
    if (this.status.kind === "ended") return;
    this.store.forget(this.sessionId);
    this.stop();
    this.owner.ended();
    this.setStatus({ kind: "ended", code });
  }

  private open(): void {
    this.link.open({
      connected: () => void this.connected(),
      heard: (pushed) => this.heard(pushed),
      lost: () => this.lost(null),
    });
  }

  private connected(): Promise<void> {
    return this.need(async () => {
      await this.register();
      await this.owner.catchUp();
      this.setStatus({ kind: "online" });
      await this.owner.online();
    });
  }

  private async register(): Promise<void> {
    const token = await this.tokens.fresh();
    try {
      await this.link.call("register_user", { token });
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== "token_expired") throw error;
      await this.link.call("register_user", { token: await this.tokens.refresh(token) });
    }
  }

  /** A connection lasts as long as its token: have it know the new one. */
  private renew(token: string): void {
    if (!this.isOnline) return;
    void this.attempt(async () => {
      await this.link.call("register_user", { token });
    });
  }

  private heard(told: Pushed): void {
    const pushed = pushOf(told);
    if (pushed === null) return;
    if (pushed.event === "auth_error") {
      this.stopFor(pushed.data.code);
    } else if (pushed.event === "server_closing") {
      this.link.reconnect(pushed.data.reconnectAfterMs);
    } else {
      this.owner.heard(pushed);
    }
  }

  private loginChangedElsewhere(): void {
    const login = this.store.readOf(this.sessionId);
    if (login === null) {
      this.end(LOGGED_OUT_ELSEWHERE);
    } else {
      this.tokens.keepRenewing();
      this.renew(login.token);
    }
  }

  private lost(problem: Problem | null): void {
    this.owner.lost();
    if (this.status.kind !== "password_change") this.setStatus({ kind: "offline", problem });
  }

  /** Whether nothing goes on after that error by itself. Throws what is no answer of the server. */
  private stoppedBy(error: unknown): boolean {
    if (error instanceof Disconnected) return false;
    if (!(error instanceof Refused)) throw error;
    if (error.code === PASSWORD_CHANGE_REQUIRED) {
      this.requirePasswordChange();
      return true;
    }
    const isEnd = endsSession(error.code) || error.code === "unauthenticated";
    if (isEnd) this.end(error.code);
    return isEnd;
  }

  private setStatus(status: Status): void {
    if (this.status.kind === "ended") return;
    this.status = status;
    this.owner.statusChanged();
  }
}
