import { memo } from "preact/compat";
import type { ChatClient, ConversationState } from "../../client";
import { changed, watch } from "../live";
import { listed, nameOf, otherOf, progressOf, titleOf, userOf } from "../names";
import { Avatar } from "../parts/avatar";
import { Icon } from "../parts/icons";
import { ProgressMark } from "../parts/progress-mark";
import { conversationPath } from "../route";
import { exactly, shortly } from "../times";

interface ConversationListProps {
  client: ChatClient;
  openId: string | null;
  /** Whether nothing is shown beside it: then its heading is that of the screen. */
  isAlone: boolean;
}

/** All conversations, the one with the latest message first. */
export function ConversationList({ client, openId, isAlone }: ConversationListProps) {
  changed.conversations.value;
  changed.status.value;
  const known = [...client.state.conversations.values()].sort(byActivity);
  return (
    <nav class="list" aria-label="Conversations">
      <header class="list-head">
        {isAlone ? <h1>Chats</h1> : <h2>Chats</h2>}
        <a class="icon-button" href="/settings" aria-label="Profile and settings">
          <Icon name="person" />
        </a>
        <a class="icon-button" href="/new" aria-label="New conversation">
          <Icon name="compose" />
        </a>
      </header>
      {known.length === 0 && client.status.kind === "online" ? (
        <p class="list-empty">
          No conversations yet. <a href="/new">Find someone</a> to write to.
        </p>
      ) : (
        <ul>
          {known.map((each) => (
            <ListRow
              key={each.id}
              client={client}
              conversation={each}
              isOpen={each.id === openId}
            />
          ))}
        </ul>
      )}
    </nav>
  );
}

function byActivity(one: ConversationState, other: ConversationState): number {
  return activityOf(other).localeCompare(activityOf(one));
}

function activityOf(conversation: ConversationState): string {
  return conversation.lastMessage?.createdAt ?? conversation.createdAt ?? "";
}

interface ListRowProps {
  client: ChatClient;
  conversation: ConversationState;
  isOpen: boolean;
}

const ListRow = memo(function ListRow({ client, conversation, isOpen }: ListRowProps) {
  watch(conversation);
  const title = titleOf(client, conversation);
  const other = otherOf(client, conversation);
  const online = other !== undefined && userOf(client, other)?.presence.online === true;
  const { lastMessage: last, unreadCount: unread } = conversation;
  return (
    <li>
      <a
        class="list-row"
        href={conversationPath(conversation.id)}
        aria-current={isOpen ? "page" : undefined}
      >
        <Avatar id={other ?? conversation.id} name={title} online={online} />
        <span class="list-title">
          <bdi>{title}</bdi>
          {online && <span class="only-heard">, online</span>}
        </span>
        {last !== null && (
          <time class="list-time" dateTime={last.createdAt} title={exactly(last.createdAt)}>
            {shortly(last.createdAt)}
          </time>
        )}
        <span class="list-last">
          <LastWords client={client} conversation={conversation} isOpen={isOpen} />
        </span>
        {unread > 0 && (
          <span class="badge">
            {unread > 999 ? "999+" : unread}
            <span class="only-heard"> unread</span>
          </span>
        )}
      </a>
    </li>
  );
});

function LastWords({ client, conversation, isOpen }: ListRowProps) {
  watch(conversation);
  const typing = [...conversation.typing].map((id) => nameOf(client, id));
  if (typing.length > 0)
    return (
      <em class="typing">
        {conversation.kind === "direct" ? "typing …" : `${listed(typing)} typing …`}
      </em>
    );
  const draft = client.drafts.read(conversation.id);
  if (draft !== "" && !isOpen && conversation.unreadCount === 0)
    return (
      <>
        <em class="draft">Draft:</em> <bdi>{firstOf(draft)}</bdi>
      </>
    );
  const last = conversation.lastMessage;
  if (last === null) return <em>No messages yet</em>;
  const isOwn = last.senderId === client.me;
  const text =
    last.content === null ? <em>Message deleted</em> : <bdi>{firstOf(last.content)}</bdi>;
  if (isOwn)
    return (
      <>
        <ProgressMark progress={progressOf(conversation, last)} /> {text}
      </>
    );
  if (conversation.kind === "direct") return text;
  return (
    <>
      <bdi>{nameOf(client, last.senderId)}</bdi>: {text}
    </>
  );
}

/** As much as a line can show. */
function firstOf(text: string): string {
  return text.slice(0, 160);
}
