import { placeOf, type TimelineItem } from "../client";

/** Rows that are in the page at most: so many that a screen never runs out before the next ones. */
const MOST = 160;
/** At the end of a conversation fewer: each message that comes in draws them. */
const AT_END = 80;
/** How many come, and go at the other side, when one scrolls near an end. */
const STEP = 50;

/**
 * Which part of a conversation is in the page. However long that is, the page holds a bounded
 * part of it, named by places of the log: so it stays the same when older messages are loaded.
 *
 * `last` is null at the end of the conversation: then new messages are shown as they come.
 */
export interface TimelineWindow {
  first: number;
  last: number | null;
}

export const AT_THE_END: TimelineWindow = { first: 0, last: null };

export type Timeline = readonly TimelineItem[];

/** The indexes that a window stands for: from, and up to, not including. */
export function indexesOf(timeline: Timeline, { first, last }: TimelineWindow): [number, number] {
  const to = last === null ? timeline.length : placeOf(timeline, last + 1);
  return [Math.min(placeOf(timeline, first), to), to];
}

/** The end of the conversation, with so much before it as a screen can need. */
export function windowAtEnd(timeline: Timeline): TimelineWindow {
  const first = timeline.at(-AT_END) ?? timeline[0];
  return { first: first?.seq ?? 0, last: null };
}

/** Further up, or the same if all that is loaded is in the window. */
export function windowUp(timeline: Timeline, window: TimelineWindow): TimelineWindow {
  const [from, to] = indexesOf(timeline, window);
  if (from === 0) return window;
  const first = Math.max(0, from - STEP);
  const end = Math.min(to, first + MOST);
  const isEnd = end === timeline.length;
  return {
    first: timeline[first]?.seq ?? 0,
    last: isEnd ? window.last : (timeline[end - 1]?.seq ?? null),
  };
}

/** Further down, or the same at the end. */
export function windowDown(timeline: Timeline, window: TimelineWindow): TimelineWindow {
  const [from, to] = indexesOf(timeline, window);
  if (to === timeline.length) return window.last === null ? window : { ...window, last: null };
  const end = Math.min(timeline.length, to + STEP);
  const first = Math.max(from, end - MOST);
  return {
    first: timeline[first]?.seq ?? 0,
    last: end === timeline.length ? null : (timeline[end - 1]?.seq ?? null),
  };
}

/** The window as one leaves the end: what comes in from now on is below it. */
export function frozen(timeline: Timeline, window: TimelineWindow): TimelineWindow {
  return window.last === null ? { ...window, last: timeline.at(-1)?.seq ?? 0 } : window;
}
