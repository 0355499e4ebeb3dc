import { type Signal, useSignal } from "@preact/signals";
import type { TargetedKeyboardEvent } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { type ChatClient, type ConversationState, Disconnected, type Message } from "../../client";
import { tried } from "../alerts";
import { changed, watch } from "../live";
import { type Row, rowsOf } from "../timeline-rows";
import {
  AT_THE_END,
  frozen,
  indexesOf,
  type TimelineWindow,
  windowAtEnd,
  windowDown,
  windowUp,
} from "../timeline-window";
import { Icon } from "./icons";
import { type Actions, MessageRow, OutgoingRow } from "./message-row";
import { ChangeRow, DayRow, UnreadRow } from "./separator-rows";

/** So near to an end, in pixels, the next rows are brought in: about a screen. */
const NEAR = 700;
/** So near to the end one is at the end. */
const AT_END = 48;

/** A finger points at nothing before it touches. */
const CAN_HOVER = matchMedia("(hover: hover)");

interface MessageListProps {
  client: ChatClient;
  conversation: ConversationState;
  /** Whether the end is shown as it grows: so it is until one scrolls up, and after one sends. */
  follows: Signal<boolean>;
  onEdit: (message: Message) => void;
}

/** So much of what is known is shown above what is new, in pixels. */
const ABOVE_UNREAD = 60;

/** A row that stays where it is on the screen while others come and go. */
interface Anchor {
  row: Element;
  top: number;
}

/**
 * The messages of a conversation. A bounded part of them is in the page; scrolling moves that
 * part, and loads history before the first.
 */
export function MessageList({ client, conversation, follows, onEdit }: MessageListProps) {
  watch(conversation);
  changed.outbox.value;
  changed.status.value;
  const { timeline } = conversation;
  const view = useSignal<TimelineWindow>(AT_THE_END);
  const unreadAfter = useSignal(conversation.unreadCount > 0 ? conversation.readSeq : null);
  const active = useSignal<string | null>(null);
  const scroller = useRef<HTMLElement>(null);
  const isOpened = useRef(false);
  // As of before this drawing: whatever was scrolled since the last one counts, too.
  const anchor = scroller.current === null ? null : anchorIn(scroller.current);

  const shown = follows.value ? windowAtEnd(timeline) : view.value;
  const [from, to] = indexesOf(timeline, shown);
  const rows = rowsOf(timeline, from, to, unreadAfter.value);
  const isAtEnd = to === timeline.length;
  if (isAtEnd) rows.push(...outgoingRows(client, conversation.id));

  // Before the next paint, what one reads is moved back to where it was.
  useLayoutEffect(() => {
    const box = scroller.current;
    if (box === null) return;
    if (follows.value) box.scrollTop = box.scrollHeight;
    if (!isOpened.current && rows.length > 0) {
      isOpened.current = true;
      if (showUnread(box)) {
        follows.value = false;
        view.value = frozen(timeline, shown);
      }
      return;
    }
    if (follows.value) return;
    if (anchor?.row.isConnected) box.scrollTop += topIn(box, anchor.row) - anchor.top;
  });

  useEffect(() => {
    if (follows.value && !document.hidden) client.read(conversation.id);
  });

  useEffect(() => {
    const box = scroller.current;
    if (box === null) return;
    const look = () => !document.hidden && follows.value && client.read(conversation.id);
    // The keyboard of a phone, or a longer draft, leave the list less room.
    const resized = new ResizeObserver(() => {
      if (follows.value) box.scrollTop = box.scrollHeight;
    });
    resized.observe(box);
    addEventListener("visibilitychange", look);
    return () => {
      resized.disconnect();
      removeEventListener("visibilitychange", look);
    };
  }, [conversation.id]);

  function scrolled() {
    const box = scroller.current;
    if (box === null) return;
    const below = box.scrollHeight - box.clientHeight - box.scrollTop;
    if (isAtEnd && below < AT_END) {
      follows.value = true;
      return;
    }
    let next = frozen(timeline, shown);
    if (box.scrollTop < NEAR) {
      next = windowUp(timeline, next);
      if (from < NEAR / 10) void loadEarlier();
    } else if (below < NEAR) {
      next = windowDown(timeline, next);
    }
    follows.value = false;
    if (next.first !== view.value.first || next.last !== view.value.last) view.value = next;
  }

  function activate(target: EventTarget | null) {
    const row = target instanceof Element ? target.closest<HTMLElement>("[data-anchor]") : null;
    active.value = row?.dataset.anchor ?? null;
  }

  async function loadEarlier() {
    try {
      await client.loadEarlier(conversation.id);
      // In one go: were they first loaded and then shown, there would be nothing to scroll to.
      view.value = windowUp(timeline, view.value);
    } catch (error) {
      // Scrolling once more asks again.
      if (!(error instanceof Disconnected)) await tried(() => Promise.reject(error));
    }
  }

  // A short page of a long conversation could not be scrolled up: fill it.
  useEffect(() => {
    const box = scroller.current;
    if (box !== null && box.scrollHeight <= box.clientHeight + NEAR) void loadEarlier();
  }, [conversation.id, timeline.length, client.status.kind]);

  const actions: Actions = { client, conversation, onEdit, active };
  return (
    <div class="messages-area">
      <section
        class="messages"
        ref={scroller}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
        tabIndex={0}
        aria-label="Messages"
        aria-describedby="messages-hint"
        onScroll={scrolled}
        onKeyDown={moveFocus}
        onFocusIn={({ target }) => activate(target)}
        onClick={({ target }) => activate(target)}
        onPointerOver={({ target }) => CAN_HOVER.matches && activate(target)}
      >
        <p id="messages-hint" class="only-heard">
          Use the arrow keys to move between messages.
        </p>
        {conversation.hasEarlier && from === 0 && <p class="loading-earlier">Loading …</p>}
        <ol>
          {rows.map((row) => (
            <AnyRow key={row.key} row={row} actions={actions} />
          ))}
        </ol>
      </section>
      {!follows.value && (
        <button
          type="button"
          class="to-end"
          onClick={() => {
            follows.value = true;
          }}
        >
          <Icon name="down" />
          {conversation.unreadCount > 0 ? `${conversation.unreadCount} new` : "To the end"}
        </button>
      )}
    </div>
  );
}

function AnyRow({ row, actions }: { row: Row; actions: Actions }) {
  switch (row.kind) {
    case "day":
      return <DayRow at={row.at} />;
    case "unread":
      return <UnreadRow />;
    case "change":
      return <ChangeRow client={actions.client} change={row.change} />;
    case "message":
      return <MessageRow message={row.message} startsGroup={row.startsGroup} actions={actions} />;
    case "outgoing":
      return <OutgoingRow outgoing={row.outgoing} client={actions.client} />;
  }
}

function outgoingRows(client: ChatClient, conversationId: string): Row[] {
  const waiting = client.outbox.all().filter((each) => each.conversationId === conversationId);
  return waiting.map((outgoing) => ({
    kind: "outgoing",
    key: outgoing.clientMessageId,
    outgoing,
  }));
}

/** From message to message by the arrow keys: a tab stop at each would be a long way round. */
function moveFocus(event: TargetedKeyboardEvent<HTMLElement>): void {
  const step = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
  if (step === 0 || event.target instanceof HTMLButtonElement) return;
  const bubbles = [...event.currentTarget.querySelectorAll<HTMLElement>("article[tabindex]")];
  const at = bubbles.findIndex((bubble) => bubble.contains(document.activeElement));
  const next = at < 0 ? bubbles.at(-1) : bubbles[at + step];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

/** At the end: go up to the first message that is new, if it can't be seen from there. */
function showUnread(box: Element): boolean {
  const row = box.querySelector(".separator.unread");
  if (row === null || topIn(box, row) >= 0) return false;
  box.scrollTop += topIn(box, row) - ABOVE_UNREAD;
  return true;
}

function topIn(box: Element, row: Element): number {
  return row.getBoundingClientRect().top - box.getBoundingClientRect().top;
}

/** The first message that can be seen. */
function anchorIn(box: Element): Anchor | null {
  const rows = box.querySelectorAll("[data-anchor]");
  let low = 0;
  let high = rows.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = rows[middle];
    if (row !== undefined && row.getBoundingClientRect().bottom <= box.getBoundingClientRect().top)
      low = middle + 1;
    else high = middle;
  }
  const row = rows[low];
  return row === undefined ? null : { row, top: topIn(box, row) };
}
