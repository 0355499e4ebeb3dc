import { beforeEach, describe, expect, it, vi } from "vitest";
import { Disconnected, Refused } from "../src/client/errors";
import { Outbox, type OutboxOwner } from "../src/client/outbox";
import { SessionData } from "../src/client/session-data";
import type { Message, NewMessage } from "../src/client/wire";
import { MemoryStorage, message } from "./support/fakes";

/** Whoever owns an outbox, with a server that does as it is told. */
class Owner implements OutboxOwner {
  online = true;
  readonly arrived: NewMessage[] = [];
  readonly changed = vi.fn();
  answer: (sent: NewMessage) => Promise<Message> = async () => message(1);

  isOnline(): boolean {
    return this.online;
  }

  deliver(sent: NewMessage): Promise<Message> {
    this.arrived.push(sent);
    return this.answer(sent);
  }

  get texts(): string[] {
    return this.arrived.map(({ content }) => content);
  }
}

const tooFast = new Refused({ code: "rate_limited", status: 429, retryAfter: 2 });
const blocked = new Refused({ code: "blocked", status: 403 });

describe("the outbox", () => {
  let storage: MemoryStorage;
  let owner: Owner;
  let outbox: Outbox;

  function dataOf(sessionId: string): SessionData {
    return new SessionData(sessionId, storage, new MemoryStorage());
  }

  beforeEach(() => {
    vi.useFakeTimers();
    // Without Web Locks: those of Node answer outside of the test's clock.
    vi.stubGlobal("navigator", {});
    storage = new MemoryStorage();
    owner = new Owner();
    outbox = new Outbox(dataOf("ann"), owner);
    return () => {
      vi.useRealTimers();
      vi.unstubAllGlobals();
    };
  });

  it("is empty once the server has everything", async () => {
    outbox.add("c", "one");
    await outbox.flush();
    expect(owner.texts).toEqual(["one"]);
    expect(outbox.all()).toEqual([]);
  });

  it("keeps what is written offline, and sends it in that order", async () => {
    owner.online = false;
    for (const text of ["one", "two", "three", "four", "five"]) outbox.add("c", text);
    await outbox.flush();
    expect(owner.arrived).toEqual([]);
    owner.online = true;
    await outbox.flush();
    expect(owner.texts).toEqual(["one", "two", "three", "four", "five"]);
  });

  it("survives a reload, under the same client ids", async () => {
    owner.online = false;
    const written = [outbox.add("c", "one"), outbox.add("c", "two")];
    const after = new Owner();
    await new Outbox(dataOf("ann"), after).flush();
    expect(after.arrived.map(({ clientMessageId }) => clientMessageId)).toEqual(
      written.map(({ clientMessageId }) => clientMessageId),
    );
  });

  it("is one's own: another user of this browser sends nothing of it", async () => {
    owner.online = false;
    outbox.add("c", "one");
    const other = new Owner();
    await new Outbox(dataOf("bob"), other).flush();
    expect(other.arrived).toEqual([]);
  });

  it("sends again what was not acked, and nothing before it", async () => {
    owner.answer = async () => {
      owner.online = false;
      throw new Disconnected();
    };
    outbox.add("c", "one");
    outbox.add("c", "two");
    await outbox.flush();
    owner.answer = async () => message(1);
    owner.online = true;
    await outbox.flush();
    expect(owner.texts).toEqual(["one", "one", "two"]);
    const [first, again] = owner.arrived;
    expect(again).toEqual(first);
  });

  it("waits as long as the server asks, and nothing overtakes", async () => {
    owner.answer = async () => {
      owner.answer = async () => message(1);
      throw tooFast;
    };
    outbox.add("c", "one");
    outbox.add("c", "two");
    await vi.advanceTimersByTimeAsync(1_900);
    expect(outbox.pausedUntil).toBeGreaterThan(Date.now());
    expect(owner.texts).toEqual(["one"]);
    await vi.advanceTimersByTimeAsync(200);
    expect(owner.texts).toEqual(["one", "one", "two"]);
    expect(outbox.pausedUntil).toBe(0);
  });

  it("keeps what is refused for its writer, and goes on with the next", async () => {
    owner.answer = async ({ content }) => {
      if (content === "one") throw blocked;
      return message(1);
    };
    const refused = outbox.add("c", "one");
    outbox.add("c", "two");
    await outbox.flush();
    expect(owner.texts).toEqual(["one", "two"]);
    expect(outbox.all()).toEqual([{ ...refused, refused: blocked.problem }]);
    owner.answer = async () => message(1);
    outbox.retry(refused.clientMessageId);
    await outbox.flush();
    expect(outbox.all()).toEqual([]);
  });

  it("is sent by one window at a time", async () => {
    let answer = (_: Message) => {};
    owner.answer = () => new Promise((resolve) => (answer = resolve));
    outbox.add("c", "one");
    await vi.advanceTimersByTimeAsync(0);
    const elsewhere = new Owner();
    const other = new Outbox(dataOf("ann"), elsewhere);
    other.add("c", "two");
    await vi.advanceTimersByTimeAsync(0);
    expect(elsewhere.arrived).toEqual([]);
    owner.answer = async () => message(2);
    answer(message(1));
    await vi.advanceTimersByTimeAsync(0);
    expect([...owner.texts, ...elsewhere.texts]).toEqual(["one", "two"]);
  });

  it("sends what another window has left behind", async () => {
    const heard: ((event: Partial<StorageEvent>) => void)[] = [];
    vi.stubGlobal("addEventListener", (_: string, listener: () => void) => heard.push(listener));
    outbox.followOthers();
    const elsewhere = new Owner();
    elsewhere.online = false;
    new Outbox(dataOf("ann"), elsewhere).add("c", "left behind");
    heard[0]?.({ key: storage.key(0) });
    await vi.advanceTimersByTimeAsync(0);
    expect(owner.texts).toEqual(["left behind"]);
  });

  it("does not knock again and again where the connection is not registered", async () => {
    owner.answer = async () => {
      throw new Refused({ code: "unauthenticated", status: 401 });
    };
    outbox.add("c", "one");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(owner.texts).toEqual(["one"]);
    expect(outbox.all()).toMatchObject([{ content: "one", refused: null }]);
  });

  it("orders what one millisecond brings", () => {
    owner.online = false;
    for (const text of ["a", "b", "c"]) outbox.add("c", text);
    expect(outbox.all().map(({ content }) => content)).toEqual(["a", "b", "c"]);
  });
});
