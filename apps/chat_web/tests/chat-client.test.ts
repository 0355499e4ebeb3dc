import { beforeEach, describe, expect, it, vi } from "vitest";
import { ChatClient } from "../src/client/chat-client";
import { LOGGED_OUT_ELSEWHERE } from "../src/client/connection";
import { editKey } from "../src/client/drafts";
import { PASSWORD_CHANGE_REQUIRED as CODE, Disconnected, Refused } from "../src/client/errors";
import { LogInStore } from "../src/client/log-in-store";
import { SessionData } from "../src/client/session-data";
import type { NewMessage, Registration, SyncPart } from "../src/client/wire";
import {
  EMPTY_SYNC,
  FakeLink,
  fakeSend,
  MemoryStorage,
  message,
  storedLogin,
} from "./support/fakes";

const part: SyncPart = {
  conversationId: "c",
  entries: [{ seq: 1, event: "new_message", data: message(1) }],
  firstSeq: 1,
  lastSeq: 1,
  hasMore: false,
  reset: false,
  readSeq: 0,
  unreadCount: 1,
  receipts: [],
};

const conversation = {
  id: "c",
  kind: "direct",
  title: null,
  members: ["ann", "bob"].map((userId) => ({ userId, role: "member", joinedAt: "" })),
  memberCount: 2,
  firstSeq: 1,
  lastSeq: 1,
  lastMessage: null,
  readSeq: 0,
  unreadCount: 1,
  receipts: [],
  createdAt: "2026-01-31T08:00:00.000Z",
};

describe("the client", () => {
  let storage: MemoryStorage;
  let ofWindow: MemoryStorage;
  let heardElsewhere: ((event: Partial<StorageEvent>) => void)[];

  function client(link: FakeLink, send = fakeSend()): ChatClient {
    const store = new LogInStore(storage);
    const data = new SessionData("session", storage, ofWindow);
    const made = new ChatClient(storedLogin(), { link, send, store, data });
    made.start();
    return made;
  }

  async function settled(): Promise<void> {
    await vi.advanceTimersByTimeAsync(0);
  }

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("navigator", {});
    heardElsewhere = [];
    vi.stubGlobal("addEventListener", (_: string, listener: () => void) => {
      heardElsewhere.push(listener);
    });
    vi.stubGlobal("removeEventListener", () => {});
    storage = new MemoryStorage();
    ofWindow = new MemoryStorage();
    storage.setItem("chat:login", JSON.stringify(storedLogin()));
    return () => {
      vi.useRealTimers();
      vi.unstubAllGlobals();
    };
  });

  it("registers, catches up, and then sends what waits", async () => {
    const link = new FakeLink({
      sync: () => ({ conversations: [part], nextCursor: null }),
      send_message: (sent: NewMessage) => ({
        message: message(2, { ...sent, senderId: "ann" }),
        duplicate: false,
      }),
    });
    const ann = client(link);
    ann.send("c", "hello");
    link.connect();
    await settled();
    expect(link.calls.slice(0, 2).map(({ event }) => event)).toEqual(["register_user", "sync"]);
    expect(link.called("send_message")).toHaveLength(1);
    expect(ann.status.kind).toBe("online");
    expect(ann.outbox.all()).toEqual([]);
    expect(ann.state.conversations.get("c")?.seq).toBe(2);
  });

  it("sends nothing before it has caught up", async () => {
    let caughtUp = () => {};
    const link = new FakeLink({
      sync: () =>
        new Promise((resolve) => {
          caughtUp = () => resolve(EMPTY_SYNC);
        }),
      send_message: (sent: NewMessage) => ({ message: message(1, sent), duplicate: false }),
    });
    const ann = client(link);
    link.connect();
    ann.send("c", "hello");
    await settled();
    expect(link.called("send_message")).toEqual([]);
    caughtUp();
    await settled();
    expect(link.called("send_message")).toHaveLength(1);
  });

  it("names what it has after each connect", async () => {
    const link = new FakeLink({ sync: () => ({ conversations: [part], nextCursor: null }) });
    const ann = client(link);
    link.connect();
    await settled();
    link.lose();
    expect(ann.status.kind).toBe("offline");
    link.connect();
    await settled();
    expect(link.called("sync").at(-1)).toMatchObject({ conversations: { c: 1 } });
  });

  it("asks for the rest of answers that were cut, page by page", async () => {
    const second: SyncPart = {
      ...part,
      lastSeq: 2,
      entries: [{ seq: 2, event: "new_message", data: message(2) }],
    };
    const other = { ...part, conversationId: "d" };
    const answers = [
      { conversations: [{ ...part, lastSeq: 2, hasMore: true }], nextCursor: "next" },
      { conversations: [other], nextCursor: null },
      { conversations: [second], nextCursor: null },
    ];
    const link = new FakeLink({
      sync: () => answers.shift() ?? { conversations: [], nextCursor: null },
    });
    const ann = client(link);
    link.connect();
    await settled();
    expect(link.called("sync")).toEqual([
      { conversations: {}, others: "latest", limit: 40 },
      { conversations: {}, others: "latest", limit: 40, cursor: "next" },
      { conversations: { c: 1 }, others: "none" },
    ]);
    expect(ann.state.conversations.get("c")?.seq).toBe(2);
  });

  it("asks for one conversation where a push has jumped over a place", async () => {
    const link = new FakeLink({ sync: () => ({ conversations: [part], nextCursor: null }) });
    client(link);
    link.connect();
    await settled();
    link.push({ event: "new_message", data: message(3) });
    await settled();
    expect(link.called("sync").at(-1)).toEqual({ conversations: { c: 1 }, others: "none" });
  });

  const REACTION = { messageId: "m1", userId: "eve", key: "👍", on: true };
  const LATER_CHANGE = { change: "metadata_changed", userId: "bob", metadata: { colour: "red" } };

  it("goes on after entries that it does not know, and asks for nothing", async () => {
    const link = new FakeLink({ sync: () => ({ conversations: [part], nextCursor: null }) });
    const send = fakeSend({ "GET /conversations/c": () => conversation });
    const ann = client(link, send);
    link.connect();
    await settled();
    const asked = send.mock.calls.length;
    link.push({ event: "reactions_changed", data: { conversationId: "c", seq: 2, ...REACTION } });
    link.push({
      event: "conversation_updated",
      data: { conversationId: "c", seq: 3, ...LATER_CHANGE },
    });
    await settled();
    const state = ann.state.conversations.get("c");
    expect(state).toMatchObject({ seq: 3, unreadCount: 1 });
    expect([...(state?.members.keys() ?? [])]).toEqual(["ann", "bob"]);
    expect(state?.timeline.map(({ kind }) => kind)).toEqual(["message"]);
    expect(send.mock.calls).toHaveLength(asked);
    link.push({ event: "new_message", data: message(4) });
    await settled();
    expect(state).toMatchObject({ seq: 4, unreadCount: 2 });
    expect(link.called("mark_delivered").at(-1)).toEqual({ conversationId: "c", seq: 4 });
    expect(link.called("sync")).toHaveLength(1);
  });

  it.each([
    ["an event without a payload", { event: "unheard_of" }],
    ["an event with null", { event: "unheard_of", data: null }],
    ["an event with text", { event: "unheard_of", data: "text" }],
    ["an event of a conversation", { event: "unheard_of", data: { conversationId: "c" } }],
    ["an event whose place is null", { event: "typing", data: { conversationId: "c", seq: null } }],
  ])("ignores what is no entry: %s", async (_, pushed) => {
    const link = new FakeLink({ sync: () => ({ conversations: [part], nextCursor: null }) });
    const send = fakeSend({ "GET /conversations/c": () => conversation });
    const ann = client(link, send);
    link.connect();
    await settled();
    const [asked, called] = [send.mock.calls.length, link.calls.length];
    link.push(pushed);
    await settled();
    expect(ann.state.conversations.get("c")).toMatchObject({ seq: 1, unreadCount: 1 });
    expect([send.mock.calls.length, link.calls.length]).toEqual([asked, called]);
  });

  it("fetches what the log does not tell of a conversation", async () => {
    const link = new FakeLink({ sync: () => ({ conversations: [part], nextCursor: null }) });
    const ann = client(link, fakeSend({ "GET /conversations/c": () => conversation }));
    link.connect();
    await settled();
    expect(ann.state.conversations.get("c")).toMatchObject({ kind: "direct", isDescribed: true });
  });

  it("tells once of a burst that it has arrived", async () => {
    const link = new FakeLink({ sync: () => ({ conversations: [part], nextCursor: null }) });
    client(link);
    link.connect();
    await settled();
    link.calls.length = 0;
    for (let seq = 2; seq <= 101; seq++) link.push({ event: "new_message", data: message(seq) });
    await settled();
    expect(link.called("mark_delivered").at(-1)).toEqual({ conversationId: "c", seq: 101 });
    expect(link.called("mark_delivered").length).toBeLessThanOrEqual(2);
  });

  it("tells again what it has read, where the server does not know", async () => {
    const receipts = [{ userId: "ann", deliveredSeq: 0, readSeq: 0 }];
    const link = new FakeLink({
      sync: () => ({ conversations: [{ ...part, receipts }], nextCursor: null }),
    });
    const ann = client(link);
    link.connect();
    await settled();
    ann.read("c");
    await settled();
    link.lose();
    link.calls.length = 0;
    link.connect();
    await settled();
    expect(link.called("mark_read")).toEqual([{ conversationId: "c", seq: 1 }]);
  });

  it("drops from the outbox what a push shows to be stored", async () => {
    const link = new FakeLink({ sync: () => ({ conversations: [part], nextCursor: null }) });
    const ann = client(link);
    link.connect();
    await settled();
    let lost = () => {};
    link.answers.send_message = () =>
      new Promise((_, reject) => {
        lost = () => reject(new Disconnected());
      });
    ann.send("c", "hello");
    const [{ clientMessageId } = { clientMessageId: "" }] = ann.outbox.all();
    const stored = message(2, { senderId: "ann", clientMessageId, content: "hello" });
    link.push({ event: "new_message", data: stored });
    expect(ann.outbox.all()).toEqual([]);
    lost(); // and with it the turn to send, which this window would hold in the next test
  });

  it("gets another token where the server finds the old one run out", async () => {
    const link = new FakeLink({
      register_user: ({ token }) => {
        if (token === "token 1") throw new Refused({ code: "token_expired", status: 401 });
        return { userId: "ann", sessionId: "s", devices: 1, expiresAt: "", serverTime: "" };
      },
    });
    const ann = client(link);
    link.connect();
    await settled();
    expect(link.called("register_user")).toEqual([{ token: "token 1" }, { token: "token 2" }]);
    expect(ann.status.kind).toBe("online");
  });

  it("registers anew with each new token, and stays connected", async () => {
    const link = new FakeLink();
    const ann = client(link);
    link.connect();
    await settled();
    await vi.advanceTimersByTimeAsync(451_000);
    expect(link.called("register_user").at(-1)).toEqual({ token: "token 2" });
    expect(ann.status.kind).toBe("online");
  });

  const ENDS = ["session_revoked", "refresh_reused", "token_invalid", "account_disabled"];

  /** A client that has stored something of every kind. */
  function busy(link: FakeLink, send = fakeSend()): ChatClient {
    const ann = client(link, send);
    ann.send("c", "waits");
    ann.drafts.write("c", "begun");
    ann.drafts.write(editKey("c", "m1"), "another word");
    ofWindow.setItem(ann.data.key("group-title"), "Team");
    return ann;
  }

  function isForgotten(ann: ChatClient, code: string): void {
    expect(ann.status).toEqual({ kind: "ended", code });
    expect([storage.length, ofWindow.length]).toEqual([0, 0]);
  }

  it.each(ENDS)("leaves nothing in the browser when a push ends it: %s", async (code) => {
    const link = new FakeLink();
    const ann = busy(link);
    link.connect();
    await settled();
    link.push({ event: "auth_error", data: { code, message: "" } });
    isForgotten(ann, code);
  });

  it.each(ENDS)("leaves nothing in the browser when registering ends it: %s", async (code) => {
    const link = new FakeLink({
      register_user: () => {
        throw new Refused({ code, status: 401 });
      },
    });
    const ann = busy(link);
    link.connect();
    await settled();
    isForgotten(ann, code);
  });

  it.each(ENDS)("leaves nothing in the browser when an answer ends it: %s", async (code) => {
    const refused = () => {
      throw new Refused({ code, status: 401 });
    };
    const ann = busy(new FakeLink(), fakeSend({ "GET /sessions": refused }));
    await expect(ann.api.sessions(null)).rejects.toThrow(Refused);
    isForgotten(ann, code);
  });

  it("leaves nothing in the browser when its refresh token has run out", async () => {
    const refused = () => {
      throw new Refused({ code: "token_expired", status: 401 });
    };
    const ann = busy(new FakeLink(), fakeSend({ "POST /users/refresh": refused }));
    await vi.advanceTimersByTimeAsync(451_000);
    isForgotten(ann, "token_expired");
  });

  it("leaves nothing in the browser when another window logs out", async () => {
    const ann = busy(new FakeLink());
    storage.removeItem("chat:login");
    for (const heard of heardElsewhere) heard({ key: "chat:login" });
    isForgotten(ann, LOGGED_OUT_ELSEWHERE);
  });

  describe("with a password that the operator made", () => {
    let isOwn: boolean;
    let link: FakeLink;
    let ann: ChatClient;

    function refuse(): never {
      throw new Refused({ code: CODE, status: 403 });
    }

    const send = fakeSend({
      "PUT /users/me/password": () => {
        isOwn = true;
      },
      "GET /sessions": () => (isOwn ? { items: [], nextCursor: null } : refuse()),
    });

    beforeEach(() => {
      isOwn = false;
      link = new FakeLink();
      const registered = link.answers.register_user;
      link.answers.register_user = (asked) =>
        isOwn ? (registered?.(asked) as Registration) : refuse();
      ann = busy(link, send);
    });

    it("waits for another one, and keeps the session and what it has stored", async () => {
      link.connect();
      await settled();
      expect(ann.status).toEqual({ kind: "password_change" });
      expect(link.isConnected).toBe(false);
      await ann.probe();
      link.lose();
      expect(ann.status).toEqual({ kind: "password_change" });
      expect(ann.drafts.read("c")).toBe("begun");
      await vi.advanceTimersByTimeAsync(451_000);
      expect(storage.getItem("chat:login")).toContain("token 2");
    });

    it("goes on in the same session once it has another one", async () => {
      link.connect();
      await settled();
      await ann.changePassword("made", "chosen");
      expect(ann.status).toEqual({ kind: "connecting" });
      link.connect();
      await settled();
      expect(ann.status).toEqual({ kind: "online" });
      expect(JSON.stringify(storage.all())).not.toContain("chosen");
    });

    it("goes on when another window has chosen one", async () => {
      link.connect();
      await settled();
      isOwn = true;
      await ann.probe();
      link.connect();
      await settled();
      expect(ann.status).toEqual({ kind: "online" });
    });

    it.each([
      ["a push", () => link.push({ event: "auth_error", data: { code: CODE, message: "" } })],
      ["an answer", () => expect(ann.api.sessions(null)).rejects.toThrow(Refused)],
    ])("learns so by %s", async (_, told) => {
      await told();
      expect(ann.status).toEqual({ kind: "password_change" });
    });
  });

  it("takes nothing of the next session along when it ends", async () => {
    const link = new FakeLink();
    const ann = busy(link);
    const next = { ...storedLogin("next"), sessionId: "next" };
    storage.setItem("chat:login", JSON.stringify(next));
    storage.setItem("chat:session:next:draft:c", "of the next");
    link.push({ event: "auth_error", data: { code: "session_revoked", message: "" } });
    expect(ann.status.kind).toBe("ended");
    expect(Object.keys(storage.all()).sort()).toEqual(["chat:login", "chat:session:next:draft:c"]);
  });

  it("begins with nothing that another session has left", () => {
    storage.setItem("chat:session:before:draft:c", "begun before");
    ofWindow.setItem("chat:session:before:group-title", "Team");
    storage.setItem("of another program", "stays");
    client(new FakeLink());
    expect(Object.keys(storage.all()).sort()).toEqual(["chat:login", "of another program"]);
    expect(ofWindow.length).toBe(0);
  });

  it("loses nothing that waits when it merely needs another token", async () => {
    const link = new FakeLink({
      register_user: ({ token }) => {
        if (token === "token 1") throw new Refused({ code: "token_expired", status: 401 });
        return { userId: "ann", sessionId: "session", devices: 1, expiresAt: "", serverTime: "" };
      },
      send_message: (sent: NewMessage) => ({ message: message(1, sent), duplicate: false }),
    });
    busy(link);
    link.connect();
    await vi.waitFor(() => expect(link.called("send_message")).toHaveLength(1));
    expect(link.called("send_message")).toMatchObject([{ content: "waits" }]);
    expect(storage.getItem("chat:session:session:draft:c")).toBe("begun");
  });

  it("tries again later where the server has no room for it", async () => {
    const problem = { code: "too_many_connections", status: 429, retryAfter: 7 };
    const link = new FakeLink({
      register_user: () => {
        throw new Refused(problem);
      },
    });
    const ann = client(link);
    link.connect();
    await settled();
    expect(ann.status).toEqual({ kind: "offline", problem });
    expect(link.reconnects).toEqual([7_000]);
  });

  it("reads older messages before those that are here", async () => {
    const late = { ...part, lastSeq: 60, entries: [{ ...part.entries[0], seq: 60 }] };
    late.entries = [{ seq: 60, event: "new_message", data: message(60) }];
    const link = new FakeLink({
      sync: () => ({ conversations: [late as SyncPart], nextCursor: null }),
    });
    const history = { items: [message(58), message(59)], hasMore: true };
    const send = fakeSend({ "GET /conversations/c/messages": () => history });
    const ann = client(link, send);
    link.connect();
    await settled();
    await ann.loadEarlier("c");
    const state = ann.state.conversations.get("c");
    expect(state?.timeline.map(({ seq }) => seq)).toEqual([58, 59, 60]);
    expect(state?.base).toBe(57);
  });
});
