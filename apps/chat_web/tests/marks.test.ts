import { describe, expect, it, vi } from "vitest";
import { Refused } from "../src/client/errors";
import { Marks } from "../src/client/marks";
import { TypingAnnouncer } from "../src/client/typing";
import { FakeLink } from "./support/fakes";

function connected(answers: ConstructorParameters<typeof FakeLink>[0] = {}): FakeLink {
  const link = new FakeLink(answers);
  link.isConnected = true;
  return link;
}

describe("marks", () => {
  it("are told once for many in a row", async () => {
    const link = connected();
    const marks = new Marks(link);
    for (let seq = 1; seq <= 50; seq++) marks.delivered("c", seq);
    await vi.waitFor(() => expect(link.calls).toHaveLength(1));
    expect(link.called("mark_delivered")).toEqual([{ conversationId: "c", seq: 50 }]);
  });

  it("never go back, and read is delivered too", async () => {
    const link = connected();
    const marks = new Marks(link);
    marks.read("c", 5);
    await vi.waitFor(() => expect(link.calls).toHaveLength(1));
    marks.delivered("c", 4);
    marks.read("c", 3);
    await marks.flush();
    expect(link.calls).toHaveLength(1);
  });

  it("wait for the next connection", async () => {
    const link = new FakeLink();
    const marks = new Marks(link);
    marks.read("c", 5);
    await marks.flush();
    link.isConnected = true;
    await vi.waitFor(async () => {
      await marks.flush();
      expect(link.called("mark_read")).toEqual([{ conversationId: "c", seq: 5 }]);
    });
  });

  it("are told again where they came too fast", async () => {
    vi.useFakeTimers();
    const link = connected({
      mark_read: ({ seq }) => {
        if (link.calls.length === 1)
          throw new Refused({ code: "rate_limited", status: 429, retryAfter: 1 });
        return { deliveredSeq: seq, readSeq: seq };
      },
    });
    new Marks(link).read("c", 5);
    await vi.advanceTimersByTimeAsync(1_100);
    expect(link.calls).toHaveLength(2);
    vi.useRealTimers();
  });
});

describe("typing", () => {
  it("is told at once, renewed while one types, and ended when one stops", () => {
    vi.useFakeTimers();
    const link = connected();
    const typing = new TypingAnnouncer(link);
    for (let key = 0; key < 50; key++) {
      typing.typed("c");
      vi.advanceTimersByTime(100);
    }
    expect(link.called("typing")).toEqual([
      { conversationId: "c", typing: true },
      { conversationId: "c", typing: true },
    ]);
    vi.advanceTimersByTime(5_000);
    expect(link.called("typing").at(-1)).toEqual({ conversationId: "c", typing: false });
    vi.useRealTimers();
  });

  it("ends in one conversation when it begins in another", () => {
    const link = connected();
    const typing = new TypingAnnouncer(link);
    typing.typed("c");
    typing.typed("d");
    typing.stopped();
    expect(link.called("typing")).toEqual([
      { conversationId: "c", typing: true },
      { conversationId: "c", typing: false },
      { conversationId: "d", typing: true },
      { conversationId: "d", typing: false },
    ]);
  });
});
