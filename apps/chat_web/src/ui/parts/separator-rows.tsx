import type { ChatClient, ConversationUpdate, Role } from "../../client";
import { listed, nameOf } from "../names";
import { dayName } from "../times";

export function DayRow({ at }: { at: string }) {
  return (
    <li class="separator">
      <time dateTime={at.slice(0, 10)}>{dayName(at)}</time>
    </li>
  );
}

export function UnreadRow() {
  return <li class="separator unread">New messages</li>;
}

/** What somebody changed about the conversation itself. */
export function ChangeRow({ client, change }: { client: ChatClient; change: ConversationUpdate }) {
  return (
    <li class="separator change" data-anchor dir="auto">
      {sentenceOfChange(client, change)}
    </li>
  );
}

function sentenceOfChange(client: ChatClient, change: ConversationUpdate): string {
  const name = (id: string | null) =>
    id === null ? "Somebody" : id === client.me ? "You" : nameOf(client, id);
  const actor = name(change.actorId);
  const whom = change.userId === client.me ? "you" : name(change.userId);
  switch (change.change) {
    case "created": {
      const others = (change.members ?? []).filter(({ userId }) => userId !== change.actorId);
      const names = others.map(({ userId }) => (userId === client.me ? "you" : name(userId)));
      const withWhom = names.length > 0 ? ` with ${listed(names)}` : "";
      return `${actor} created the group “${change.title ?? ""}”${withWhom}`;
    }
    case "member_added":
      return `${actor} added ${whom}`;
    case "member_removed":
      return change.actorId === change.userId ? `${actor} left` : `${actor} removed ${whom}`;
    case "role_changed":
      return sentenceOfRole(actor, whom, change.role);
    case "title_changed":
      return `${actor} named the group “${change.title ?? ""}”`;
    case "member_deleted":
      return `${name(change.userId)} deleted their account`;
  }
}

function sentenceOfRole(actor: string, whom: string, role: Role | null): string {
  switch (role) {
    case "owner":
    case "admin":
      return `${actor} made ${whom} an ${role}`;
    case "member":
      return `${actor} made ${whom} a member`;
    default: // a role that only later versions know
      return `${actor} gave ${whom} a new role`;
  }
}
