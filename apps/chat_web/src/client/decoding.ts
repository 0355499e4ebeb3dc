import type { ConversationUpdate, EntryPlace, LogEvent, ServerEvent } from "./wire";

type ChangeName = ConversationUpdate["change"];
type NotAnEntry = Exclude<ServerEvent, LogEvent>["event"];

const CHANGES: Record<ChangeName, true> = {
  created: true,
  member_added: true,
  member_removed: true,
  role_changed: true,
  title_changed: true,
  member_deleted: true,
};

const NOT_ENTRIES: Record<NotAnEntry, true> = {
  receipt: true,
  typing: true,
  presence_changed: true,
  user_updated: true,
  registration_success: true,
  auth_error: true,
  server_closing: true,
};

/** A push as it comes in. A later server may push what this client does not know. */
export interface Pushed {
  event: string;
  data?: unknown;
}

/** What a push means to this client; null for one that it ignores. */
export function pushOf({ event, data }: Pushed): ServerEvent | null {
  if (!isObject(data)) return null;
  if (isPlace(data)) return entryOf({ event, data }, data);
  return Object.hasOwn(NOT_ENTRIES, event) ? ({ event, data } as ServerEvent) : null;
}

/** Whether it is an entry of a log. */
export function isEntry(pushed: ServerEvent): pushed is LogEvent {
  return !Object.hasOwn(NOT_ENTRIES, pushed.event);
}

/**
 * What the entry at that place means to this client. A message in a `sync` shows its present self
 * at each of its places: the place is that of the entry.
 */
export function entryOf({ event, data }: Pushed, { conversationId, seq }: EntryPlace): LogEvent {
  const entry = { event, data } as LogEvent;
  switch (entry.event) {
    case "new_message":
      return entry;
    case "message_updated":
      return { event: entry.event, data: { ...entry.data, seq } };
    case "conversation_updated":
      if (Object.hasOwn(CHANGES, entry.data.change))
        return { event: entry.event, data: { ...entry.data, seq } };
  }
  return { event: "unknown_entry", data: { conversationId, seq } };
}

function isObject(data: unknown): data is object {
  return typeof data === "object" && data !== null;
}

/** What has both is an entry of a log, whatever its name. */
function isPlace(data: object): data is EntryPlace {
  const { conversationId, seq } = data as Partial<EntryPlace>;
  return typeof conversationId === "string" && Number.isInteger(seq);
}
