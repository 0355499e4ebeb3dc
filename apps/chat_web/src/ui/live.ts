import { type Signal, signal } from "@preact/signals";
import type { Change, ChatClient, ConversationState } from "../client";

/**
 * The state of the client as signals: reading one in a component draws it again when what it
 * stands for has changed.
 *
 * A frame draws once, however many messages come in while it lasts. A hidden window has no
 * frames, and goes on by a timer.
 */
export const changed = {
  status: signal(0),
  users: signal(0),
  outbox: signal(0),
  conversations: signal(0),
};

const inConversation = new Map<string, Signal<number>>();
const HIDDEN_MS = 250;

export function conversationChanged(id: string): Signal<number> {
  let found = inConversation.get(id);
  if (found === undefined) {
    found = signal(0);
    inConversation.set(id, found);
  }
  return found;
}

/**
 * Draw the component that calls this again when the conversation changes. Each that shows
 * something of one has to: its properties stay the same objects, so drawing its parent is not enough.
 */
export function watch(conversation: ConversationState): void {
  conversationChanged(conversation.id).value;
}

let pending = new Set<Signal<number>>();

/** Let the signals follow that client; returns how to stop. */
export function follow(client: ChatClient): () => void {
  return client.subscribe((change) => {
    const wasIdle = pending.size === 0;
    for (const each of signalsOf(change)) pending.add(each);
    if (!wasIdle || pending.size === 0) return;
    if (document.hidden) setTimeout(draw, HIDDEN_MS);
    else requestAnimationFrame(draw);
  });
}

function signalsOf(change: Change): Signal<number>[] {
  if (change.about === "arrival") return [];
  if (change.about !== "conversation") return [changed[change.about]];
  return [conversationChanged(change.id), changed.conversations];
}

function draw(): void {
  const due = pending;
  pending = new Set();
  for (const each of due) each.value += 1;
}

// A frame that was asked for before the window was hidden would come when it is shown again.
addEventListener("visibilitychange", draw);
