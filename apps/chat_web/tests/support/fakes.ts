import { vi } from "vitest";
import type { Pushed } from "../../src/client/decoding";
import { Disconnected, Refused } from "../../src/client/errors";
import type { Method, Send } from "../../src/client/http";
import type { Link, LinkListener } from "../../src/client/link";
import type { StoredLogin } from "../../src/client/log-in-store";
import type { ClientEvents, Login, Message, User } from "../../src/client/wire";

/** The browser's storage, in memory. */
export class MemoryStorage implements Storage {
  private readonly items = new Map<string, string>();

  get length(): number {
    return this.items.size;
  }
  key = (at: number) => [...this.items.keys()][at] ?? null;
  getItem = (key: string) => this.items.get(key) ?? null;
  setItem = (key: string, value: string) => void this.items.set(key, value);
  removeItem = (key: string) => void this.items.delete(key);
  clear = () => this.items.clear();
  all = () => Object.fromEntries(this.items);
}

export const ANN: User = {
  id: "ann",
  username: "ann",
  displayName: "Ann",
  createdAt: "2026-01-31T08:00:00.000Z",
  deletedAt: null,
  presence: { online: true, devices: 1, lastSeenAt: null },
};

export function storedLogin(token = "token 1"): StoredLogin {
  return {
    token,
    refreshToken: `refresh of ${token}`,
    sessionId: "session",
    user: ANN,
    refreshAt: Date.now() + 450_000,
  };
}

export function message(seq: number, fields: Partial<Message> = {}): Message {
  return {
    id: `m${seq}`,
    conversationId: "c",
    seq,
    updatedSeq: seq,
    senderId: "bob",
    recipientId: null,
    content: `text ${seq}`,
    clientMessageId: null,
    createdAt: "2026-01-31T08:16:00.000Z",
    editedAt: null,
    deletedAt: null,
    ...fields,
  };
}

export const EMPTY_SYNC = { conversations: [], nextCursor: null };

type Answers = {
  [Event in keyof ClientEvents]?: (
    payload: ClientEvents[Event]["payload"],
  ) => ClientEvents[Event]["ack"] | Promise<ClientEvents[Event]["ack"]>;
};

/** A server at the other end of a link, as far as a test needs one. */
export class FakeLink implements Link {
  isConnected = false;
  listener: LinkListener | undefined;
  reconnects: number[] = [];
  readonly calls: { event: string; payload: object }[] = [];
  readonly answers: Answers;

  constructor(answers: Answers = {}) {
    this.answers = {
      register_user: () => ({
        userId: "ann",
        sessionId: "session",
        devices: 1,
        expiresAt: "",
        serverTime: "",
      }),
      sync: () => EMPTY_SYNC,
      typing: () => ({}),
      mark_delivered: ({ seq }) => ({ deliveredSeq: seq, readSeq: 0 }),
      mark_read: ({ seq }) => ({ deliveredSeq: seq, readSeq: seq }),
      ...answers,
    };
  }

  open(listener: LinkListener): void {
    this.listener = listener;
  }

  connect(): void {
    this.isConnected = true;
    this.listener?.connected();
  }

  lose(): void {
    this.isConnected = false;
    this.listener?.lost();
  }

  push(pushed: Pushed): void {
    this.listener?.heard(pushed);
  }

  async call<Event extends keyof ClientEvents>(
    event: Event,
    payload: ClientEvents[Event]["payload"],
  ): Promise<ClientEvents[Event]["ack"]> {
    if (!this.isConnected) throw new Disconnected();
    this.calls.push({ event, payload: structuredClone(payload) });
    const answer = this.answers[event];
    if (answer === undefined) throw new Refused({ code: "invalid", status: 422 });
    return answer(payload);
  }

  called(event: string): object[] {
    return this.calls.filter((call) => call.event === event).map(({ payload }) => payload);
  }

  reconnect(afterMs = 0): void {
    this.reconnects.push(afterMs);
  }

  close(): void {
    this.isConnected = false;
    this.listener = undefined;
  }
}

/** An HTTP side that gives out numbered tokens, and is empty otherwise. */
export function fakeSend(overrides: Record<string, () => unknown> = {}) {
  let tokens = 1;
  const answer = (method: Method, path: string): unknown => {
    const key = `${method} ${path.split("?")[0]}`;
    if (key in overrides) return overrides[key]?.();
    if (key === "POST /users/refresh") {
      tokens += 1;
      const token = `token ${tokens}`;
      const expiresAt = new Date(Date.now() + 600_000).toISOString();
      const login: Login = {
        token,
        expiresAt,
        refreshToken: `refresh of ${token}`,
        sessionId: "session",
        user: ANN,
      };
      return login;
    }
    if (path.startsWith("/users?") || path.startsWith("/conversations?"))
      return { items: [], nextCursor: null };
    throw new Refused({ code: "not_found", status: 404 });
  };
  return vi.fn(async (method: Method, path: string) => answer(method, path)) as unknown as Send & {
    mock: { calls: [Method, string, object?][] };
  };
}
