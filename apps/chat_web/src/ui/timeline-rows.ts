import {
  type ConversationUpdate,
  type Message,
  type Outgoing,
  placeOf,
  type TimelineItem,
} from "../client";
import { dayKey } from "./times";

/** What stands in the list of messages, one under the other. Keys stay as rows move. */
export type Row =
  | { kind: "day"; key: string; at: string }
  | { kind: "unread"; key: string }
  | { kind: "change"; key: string; seq: number; change: ConversationUpdate }
  | { kind: "message"; key: string; seq: number; message: Message; startsGroup: boolean }
  | { kind: "outgoing"; key: string; outgoing: Outgoing };

/** After so long, the same sender is named again. */
const GROUP_MS = 5 * 60_000;

/** The rows of a part of a timeline: `from` up to, not including, `to`. */
export function rowsOf(
  timeline: readonly TimelineItem[],
  from: number,
  to: number,
  unreadAfter: number | null,
): Row[] {
  const rows: Row[] = [];
  let before = messageBefore(timeline, from);
  let isUnreadShown = unreadAfter === null || (timeline[from - 1]?.seq ?? 0) > unreadAfter;
  for (const item of timeline.slice(from, to)) {
    if (item.kind === "change") {
      rows.push({ kind: "change", key: `s${item.seq}`, seq: item.seq, change: item.change });
      before = null;
      continue;
    }
    const { seq, message } = item;
    const day = dayKey(message.createdAt);
    if (before === null ? isNewDay(timeline, seq, day) : dayKey(before.createdAt) !== day)
      rows.push({ kind: "day", key: `day ${day}`, at: message.createdAt });
    if (!isUnreadShown && item.seq > (unreadAfter ?? 0)) {
      isUnreadShown = true;
      rows.push({ kind: "unread", key: "unread" });
    }
    const startsGroup = before === null || !belongTogether(before, message);
    rows.push({ kind: "message", key: `s${seq}`, seq, message, startsGroup });
    before = message;
  }
  return rows;
}

export function belongTogether(one: Message, next: Message): boolean {
  if (one.senderId !== next.senderId) return false;
  if (dayKey(one.createdAt) !== dayKey(next.createdAt)) return false;
  return Date.parse(next.createdAt) - Date.parse(one.createdAt) < GROUP_MS;
}

function messageBefore(timeline: readonly TimelineItem[], at: number): Message | null {
  const item = timeline[at - 1];
  return item?.kind === "message" ? item.message : null;
}

/** Whether a day begins with that message, though a change stands right before it. */
function isNewDay(timeline: readonly TimelineItem[], seq: number, day: string): boolean {
  for (let at = placeOf(timeline, seq) - 1; at >= 0; at--) {
    const item = timeline[at];
    if (item?.kind === "message") return dayKey(item.message.createdAt) !== day;
  }
  return true;
}
