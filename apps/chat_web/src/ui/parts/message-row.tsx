import { type Signal, useComputed } from "@preact/signals";
import { memo } from "preact/compat";
import type { ChatClient, ConversationState, Message, Outgoing } from "../../client";
import { confirmed, tried } from "../alerts";
import { watch } from "../live";
import { nameOf, progressOf } from "../names";
import { sentenceOf } from "../sentences";
import { exactly, timeOfDay } from "../times";
import { Icon } from "./icons";
import { ProgressMark } from "./progress-mark";
import { Text } from "./text";

/** What a message can be asked to do. */
export interface Actions {
  client: ChatClient;
  conversation: ConversationState;
  onEdit: (message: Message) => void;
  /** The message whose actions are offered: the one under the pointer, or with the focus. */
  active: Signal<string | null>;
}

interface MessageRowProps {
  message: Message;
  startsGroup: boolean;
  actions: Actions;
}

/** One message. Drawn again when it is another copy, not when others come. */
export const MessageRow = memo(
  function MessageRow({ message, startsGroup, actions }: MessageRowProps) {
    const { client, conversation } = actions;
    const isOwn = message.senderId === client.me;
    const isActive = useComputed(() => actions.active.value === message.id);
    const namesSender = startsGroup && !isOwn && conversation.kind === "group";
    return (
      <li
        class={`message ${isOwn ? "own" : "theirs"} ${startsGroup ? "starts" : ""}`}
        data-anchor={message.id}
      >
        <article class="bubble" tabIndex={-1} aria-label={labelOf(client, message)}>
          {namesSender && (
            <p class="sender" dir="auto">
              {nameOf(client, message.senderId)}
            </p>
          )}
          {message.content === null ? (
            <p class="deleted">This message was deleted</p>
          ) : (
            <Text content={message.content} />
          )}
          <footer class="meta">
            {message.editedAt !== null && message.content !== null && <span>edited</span>}
            <time dateTime={message.createdAt} title={exactly(message.createdAt)}>
              {timeOfDay(message.createdAt)}
            </time>
            {isOwn && message.content !== null && (
              <OwnProgress conversation={conversation} message={message} />
            )}
          </footer>
        </article>
        {message.content !== null && isActive.value && (
          <MessageActions message={message} actions={actions} />
        )}
      </li>
    );
  },
  (before, now) =>
    before.message === now.message &&
    before.startsGroup === now.startsGroup &&
    before.actions.conversation === now.actions.conversation,
);

/** On its own, so that a receipt draws ticks and no messages. */
function OwnProgress({
  conversation,
  message,
}: {
  conversation: ConversationState;
  message: Message;
}) {
  return <ProgressMark progress={progressOf(conversation, message)} />;
}

function labelOf(client: ChatClient, message: Message): string {
  const who = message.senderId === client.me ? "You" : nameOf(client, message.senderId);
  return `${who}, ${timeOfDay(message.createdAt)}`;
}

function MessageActions({ message, actions }: { message: Message; actions: Actions }) {
  const { client, conversation, onEdit } = actions;
  watch(conversation);
  const isOwn = message.senderId === client.me;
  const role = conversation.members.get(client.me);
  const mayDelete = isOwn || role === "owner" || role === "admin";

  async function remove() {
    const isSure = await confirmed(
      "Delete this message?",
      "It is deleted for everyone. This can't be undone.",
      "Delete",
    );
    if (isSure) await tried(() => client.api.delete(message.id));
  }

  return (
    <fieldset class="message-actions" aria-label="Message actions">
      <button
        type="button"
        class="icon-button"
        aria-label="Copy"
        onClick={() => void navigator.clipboard?.writeText(message.content ?? "")}
      >
        <Icon name="copy" size={18} />
      </button>
      {isOwn && (
        <button type="button" class="icon-button" aria-label="Edit" onClick={() => onEdit(message)}>
          <Icon name="compose" size={18} />
        </button>
      )}
      {mayDelete && (
        <button type="button" class="icon-button" aria-label="Delete" onClick={() => void remove()}>
          <Icon name="trash" size={18} />
        </button>
      )}
    </fieldset>
  );
}

/** A message that the server has not yet, or does not take. */
export function OutgoingRow({ outgoing, client }: { outgoing: Outgoing; client: ChatClient }) {
  const { clientMessageId, content, refused, conversationId } = outgoing;
  function takeBack() {
    const draft = client.drafts.read(conversationId);
    client.drafts.write(conversationId, draft === "" ? content : `${draft}\n${content}`);
    client.outbox.remove(clientMessageId);
  }
  return (
    <li class="message own starts outgoing" data-anchor>
      <article class="bubble">
        <Text content={content} />
        <footer class="meta">
          <time>{timeOfDay(new Date(outgoing.at).toISOString())}</time>
          {refused === null ? (
            <ProgressMark progress="sending" />
          ) : (
            <Icon name="warning" size={16} />
          )}
        </footer>
      </article>
      {refused !== null && (
        <div class="refused" role="alert">
          <p>Not sent. {sentenceOf(refused)}</p>
          <button
            type="button"
            class="button small"
            onClick={() => client.outbox.retry(clientMessageId)}
          >
            Send again
          </button>
          <button type="button" class="button small" onClick={takeBack}>
            Don't send
          </button>
        </div>
      )}
    </li>
  );
}
