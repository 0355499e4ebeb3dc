import { describe, expect, it } from "vitest";
import { ConversationState } from "../src/client/conversation-state";
import type { Conversation } from "../src/client/wire";
import { message } from "./support/fakes";

const told: Conversation = {
  id: "c",
  kind: "group",
  title: "Team",
  members: [{ userId: "ann", role: "owner", joinedAt: "" }],
  firstSeq: 1,
  lastSeq: 2,
  lastMessage: null,
  readSeq: 0,
  unreadCount: 2,
  receipts: [],
  createdAt: "2026-01-31T08:00:00.000Z",
};

function withMessages(count: number): ConversationState {
  const state = new ConversationState("c", "ann");
  for (let seq = 1; seq <= count; seq++) state.apply({ event: "new_message", data: message(seq) });
  return state;
}

describe("what is unread", () => {
  it("are others' messages after what was read", () => {
    const state = withMessages(3);
    state.readUpTo(2);
    expect(state.unreadCount).toBe(1);
  });

  it("is nothing after a message of one's own", () => {
    const state = withMessages(3);
    state.apply({ event: "new_message", data: message(4, { senderId: "ann" }) });
    expect(state.unreadCount).toBe(0);
  });

  it("does not count what was deleted", () => {
    const state = withMessages(2);
    const deleted = message(1, { updatedSeq: 3, content: null, deletedAt: "now" });
    state.apply({
      event: "message_updated",
      data: { conversationId: "c", seq: 3, message: deleted },
    });
    expect(state.unreadCount).toBe(1);
  });

  it("follows what another device has read", () => {
    const state = withMessages(3);
    state.raise([{ userId: "ann", deliveredSeq: 3, readSeq: 3 }]);
    expect(state.unreadCount).toBe(0);
  });
});

describe("a description", () => {
  it("is taken where the log says nothing newer", () => {
    const state = withMessages(2);
    expect(state.describe(told)).toBe(true);
    expect([...state.members]).toEqual([["ann", "owner"]]);
  });

  it("is refused where a later change is known", () => {
    const state = withMessages(2);
    const change = {
      conversationId: "c",
      seq: 3,
      change: "title_changed" as const,
      actorId: "ann",
      userId: null,
      role: null,
      title: "Newer",
      members: null,
    };
    state.apply({ event: "conversation_updated", data: change });
    expect(state.describe(told)).toBe(false);
    expect(state.title).toBe("Newer");
  });
});

describe("history", () => {
  it("keeps the newer copy of a message that changed meanwhile", () => {
    const state = new ConversationState("c", "ann", 5);
    const edited = message(3, { updatedSeq: 6, content: "edited" });
    state.apply({
      event: "message_updated",
      data: { conversationId: "c", seq: 6, message: edited },
    });
    state.addHistory([message(3), message(4)], false);
    expect(state.timeline.map((item) => item.kind === "message" && item.message.content)).toEqual([
      "edited",
      "text 4",
    ]);
    expect(state.hasEarlier).toBe(false);
  });
});
