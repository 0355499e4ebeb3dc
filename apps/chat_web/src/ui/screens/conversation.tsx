import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ChatClient, ConversationState, Message } from "../../client";
import { changed, conversationChanged, watch } from "../live";
import { listed, nameOf, otherOf, titleOf, userOf } from "../names";
import { Avatar } from "../parts/avatar";
import { Composer } from "../parts/composer";
import { Icon } from "../parts/icons";
import { MessageList } from "../parts/message-list";
import { conversationPath } from "../route";
import { ago } from "../times";

/** One conversation: who it is with, what was said, and where to write. */
export function Conversation({ client, id }: { client: ChatClient; id: string }) {
  conversationChanged(id).value;
  changed.status.value;
  const editing = useSignal<Message | null>(null);
  const follows = useSignal(true);
  const conversation = client.state.conversations.get(id);
  const isGone = useComputed(() => changed.status.value > 0 && client.status.kind === "online");
  useEffect(() => () => client.typing.stopped(), [client]);
  if (conversation === undefined)
    return (
      <p class="nothing-chosen" role="status">
        {isGone.value ? "This conversation does not exist, or you are not a member." : "Loading …"}
      </p>
    );
  const isMember = !conversation.isDescribed || conversation.members.has(client.me);
  return (
    <section class="conversation" aria-label={titleOf(client, conversation)}>
      <Head client={client} conversation={conversation} />
      <MessageList
        client={client}
        conversation={conversation}
        follows={follows}
        onEdit={(message) => {
          editing.value = message;
        }}
      />
      <Typing client={client} conversation={conversation} />
      {isMember ? (
        <Composer
          client={client}
          conversation={conversation}
          editing={editing}
          onSent={() => {
            follows.value = true;
          }}
        />
      ) : (
        <p class="composer-closed">You are no longer a member of this group.</p>
      )}
    </section>
  );
}

interface Shown {
  client: ChatClient;
  conversation: ConversationState;
}

function Head({ client, conversation }: Shown) {
  watch(conversation);
  const title = titleOf(client, conversation);
  const other = otherOf(client, conversation);
  return (
    <header class="conversation-head">
      <a class="icon-button back" href="/" aria-label="Back to the conversations">
        <Icon name="back" />
      </a>
      <Avatar id={other ?? conversation.id} name={title} />
      <div class="conversation-who">
        <h1>
          <bdi>{title}</bdi>
        </h1>
        <p>{aboutWhom(client, conversation)}</p>
      </div>
      <a
        class="icon-button"
        href={`${conversationPath(conversation.id)}/details`}
        aria-label={conversation.kind === "group" ? "Members and details" : "Details"}
      >
        <Icon name={conversation.kind === "group" ? "group" : "details"} />
      </a>
    </header>
  );
}

function aboutWhom(client: ChatClient, conversation: ConversationState): string {
  const other = otherOf(client, conversation);
  if (other === undefined) {
    const { members, memberCount } = conversation;
    if (memberCount > 6) return `${memberCount} members`;
    return listed([...members.keys()].map((id) => (id === client.me ? "You" : nameOf(client, id))));
  }
  const presence = userOf(client, other)?.presence;
  if (presence?.online === true) return "Online";
  if (presence?.lastSeenAt == null) return "Offline";
  return `Last seen ${ago(presence.lastSeenAt)}`;
}

/** Always there, so that the messages above do not move when somebody begins to type. */
function Typing({ client, conversation }: Shown) {
  watch(conversation);
  const names = [...conversation.typing].map((id) => nameOf(client, id));
  return (
    <p class="typing-line" dir="auto">
      {names.length > 0 && (
        <>
          {listed(names)} {names.length === 1 ? "is" : "are"} typing <span class="dots" />
        </>
      )}
    </p>
  );
}
