import { describe, expect, it } from "vitest";
import { ConversationState } from "../src/client/conversation-state";
import type { Conversation, ConversationUpdate, LogEvent, Role } from "../src/client/wire";
import { message } from "./support/fakes";

const told: Conversation = {
  id: "c",
  kind: "group",
  title: "Team",
  members: [{ userId: "ann", role: "owner", joinedAt: "" }],
  memberCount: 1,
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

  it("of an unknown kind is that of a group", () => {
    const state = withMessages(2);
    state.describe({ ...told, kind: "channel" as "group" });
    expect([state.kind, state.title]).toEqual(["group", "Team"]);
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

describe("members", () => {
  const listed: Conversation = { ...told, memberCount: 4 };
  const whole: Conversation = {
    ...told,
    members: ["ann", "bob", "cleo", "dan"].map((userId) => ({
      userId,
      role: userId === "ann" ? "owner" : "member",
      joinedAt: "",
    })),
    memberCount: 4,
  };

  function changed(
    seq: number,
    change: ConversationUpdate["change"],
    userId: string | null,
    role: Role | null = null,
  ): LogEvent {
    const members = change === "created" ? [{ userId: "ann", role: "owner" as const }] : null;
    const data = { conversationId: "c", seq, change, actorId: "ann", userId, role, members };
    return { event: "conversation_updated", data: { ...data, title: "Team" } };
  }

  function describedBy(conversation: Conversation): ConversationState {
    const state = withMessages(2);
    state.describe(conversation);
    return state;
  }

  it("of a list are some, and counted all", () => {
    const state = describedBy(listed);
    expect([state.memberCount, state.members.size, state.hasAllMembers]).toEqual([4, 1, false]);
  });

  it("are all where one conversation was asked for", () => {
    const state = describedBy(listed);
    state.describe(whole);
    expect([state.memberCount, state.members.size, state.hasAllMembers]).toEqual([4, 4, true]);
  });

  it("stay all when a list comes later", () => {
    const state = describedBy(whole);
    state.describe(listed);
    expect([state.memberCount, state.members.size, state.hasAllMembers]).toEqual([4, 4, true]);
  });

  it.each([
    ["somebody is added", changed(3, "member_added", "eve", "member"), 5],
    ["somebody who is not listed leaves", changed(3, "member_removed", "dan"), 3],
    ["somebody who is not listed gets a role", changed(3, "role_changed", "dan", "admin"), 4],
    ["the title changes", changed(3, "title_changed", null), 4],
  ])("are counted right when %s", (_, entry, count) => {
    for (const conversation of [listed, whole]) {
      const state = describedBy(conversation);
      state.apply(entry);
      expect(state.memberCount).toBe(count);
    }
  });

  it("are not counted twice when an entry comes that the description knew", () => {
    const state = describedBy({ ...listed, lastSeq: 4 });
    state.apply(changed(3, "member_added", "eve", "member"));
    state.apply(changed(4, "member_removed", "dan"));
    expect([state.memberCount, [...state.members.keys()]]).toEqual([4, ["ann"]]);
  });

  it("are asked for again when an account is gone that may have left before", () => {
    const state = describedBy(listed);
    state.apply(changed(3, "member_deleted", "dan"));
    expect(state.isDescribed).toBe(false);
    state.describe({ ...listed, lastSeq: 3, memberCount: 3 });
    expect([state.memberCount, state.isDescribed]).toEqual([3, true]);
  });

  it("are all from the first entry on", () => {
    const state = new ConversationState("c", "ann");
    state.apply(changed(1, "created", null));
    state.apply(changed(2, "member_added", "bob", "member"));
    state.apply(changed(3, "member_deleted", "cleo"));
    expect([state.memberCount, state.hasAllMembers]).toEqual([2, true]);
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
