import { describe, expect, it } from "vitest";
import table from "../../../tests/scenarios/reducer.json";
import { ChatState } from "../src/client/chat-state";
import type { ConversationState } from "../src/client/conversation-state";
import { pushOf } from "../src/client/decoding";
import type { SyncPart } from "../src/client/wire";

/** One line of the table that the Python client runs, too: tests/scenarios/reducer.json. */
interface Told {
  push?: string;
  event?: string;
  sync?: { entries?: Told[] };
  ack?: object;
  seq?: number;
  message?: object;
  change?: object;
  data?: object;
  missing?: string | null;
  more?: boolean;
}

interface Scenario {
  name: string;
  given?: Told[];
  inputs: Told[];
  expected: {
    conversations: Record<string, Record<string, unknown> & { messages?: object[] }>;
    online?: Record<string, boolean>;
  };
}

const { defaults, scenarios } = table as unknown as {
  defaults: { message: { conversationId: string }; change: object; part: object };
  scenarios: Scenario[];
};

function dataOf(told: Told, event: string | undefined): object | undefined {
  if (told.change !== undefined) return { ...defaults.change, ...told.change };
  if (told.message === undefined) return told.data;
  const message = { ...defaults.message, ...told.message };
  if (event === "new_message") return message;
  return { conversationId: message.conversationId, seq: told.seq, message };
}

function take(state: ChatState, told: Told): object {
  if (told.sync !== undefined) {
    const entries = (told.sync.entries ?? []).map((each) => ({
      seq: each.seq,
      event: each.event,
      data: dataOf(each, each.event),
    }));
    return { more: state.synced({ ...defaults.part, ...told.sync, entries } as SyncPart) };
  }
  const event = told.push ?? "new_message";
  const data = told.ack === undefined ? dataOf(told, event) : { ...defaults.message, ...told.ack };
  const pushed = pushOf({ event, data });
  return { missing: pushed === null ? null : state.push(pushed) };
}

function shown(conversation: ConversationState): Record<string, unknown> {
  const receipts = [...conversation.receipts].map(([id, { deliveredSeq, readSeq }]) => [
    id,
    [deliveredSeq, readSeq],
  ]);
  return {
    base: conversation.base,
    seq: conversation.seq,
    title: conversation.title,
    members: Object.fromEntries(conversation.members),
    messages: conversation.timeline.flatMap((item) =>
      item.kind === "message" ? [item.message] : [],
    ),
    readSeq: conversation.readSeq,
    unreadCount: conversation.unreadCount,
    receipts: Object.fromEntries(receipts),
    typing: [...conversation.typing].sort(),
  };
}

describe("the table of scenarios", () => {
  it.each(scenarios)("$name", ({ given = [], inputs, expected }) => {
    const state = new ChatState("ann");
    for (const told of given) take(state, told);
    for (const told of inputs) {
      const asked = "more" in told ? { more: told.more } : { missing: told.missing };
      expect(take(state, told)).toEqual(asked);
    }
    expect([...state.conversations.keys()]).toEqual(Object.keys(expected.conversations));
    for (const [id, told] of Object.entries(expected.conversations)) {
      const conversation = state.conversations.get(id);
      expect(conversation && shown(conversation)).toMatchObject(told);
      for (const name of ["members", "receipts", "typing"] as const)
        if (name in told) expect(conversation && shown(conversation)[name]).toEqual(told[name]);
    }
    expect(Object.fromEntries(state.online)).toEqual(expected.online ?? {});
  });
});
