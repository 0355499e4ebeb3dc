import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { type ChatClient, type ConversationState, editKey, type Message } from "../../client";
import { say, tried } from "../alerts";
import { titleOf } from "../names";
import { Icon } from "./icons";

/** What the server takes of one message, in bytes of UTF-8. */
const MAX_BYTES = 4096;
const WARN_BYTES = 3800;

interface ComposerProps {
  client: ChatClient;
  conversation: ConversationState;
  /** The message that is being changed, or null while a new one is written. */
  editing: Signal<Message | null>;
  onSent: () => void;
}

/** Where one writes. Each key is kept: a reload brings the same text back. */
export function Composer({ client, conversation, editing, onSent }: ComposerProps) {
  const { id } = conversation;
  const edited = editing.value;
  const draftKey = edited === null ? id : editKey(id, edited.id);
  const text = useSignal("");
  const box = useRef<HTMLTextAreaElement>(null);
  const bytes = new TextEncoder().encode(text.value).length;

  // A change that a reload has interrupted goes on.
  useEffect(() => {
    const interrupted = conversation.messages.get(client.drafts.edited(id) ?? "");
    if (interrupted !== undefined) editing.value = interrupted;
  }, [id]);
  useLayoutEffect(() => {
    const draft = client.drafts.read(draftKey);
    text.value = draft === "" && edited !== null ? (edited.content ?? "") : draft;
    if (box.current === null) return;
    box.current.value = text.value; // at once, since one goes on behind the last letter
    box.current.setSelectionRange(text.value.length, text.value.length);
  }, [draftKey]);
  useEffect(() => {
    // On a phone the keyboard would cover what one came to read.
    if (edited !== null || matchMedia("(pointer: fine)").matches) box.current?.focus();
  }, [draftKey]);
  useLayoutEffect(() => grow(box.current), [text.value]);

  function changed(value: string) {
    text.value = value;
    client.drafts.write(draftKey, value);
    if (edited === null && value !== "") client.typing.typed(id);
  }

  function finished() {
    client.drafts.write(draftKey, "");
    text.value = "";
    editing.value = null;
    box.current?.focus();
  }

  async function submit(event?: Event) {
    event?.preventDefault();
    const content = text.value.trim();
    if (content === "") return;
    if (bytes > MAX_BYTES)
      return say("That is too long", `Please split it into two messages, or ${overBy(bytes)}.`);
    if (edited !== null) {
      if (await tried(() => client.api.edit(edited.id, content))) finished();
      return;
    }
    try {
      client.send(id, content);
      onSent();
    } catch {
      return say("The message can't be saved", "This browser's storage is full. Nothing was sent.");
    }
    finished();
  }

  function keyPressed(event: KeyboardEvent) {
    if (event.isComposing) return;
    const makesLines = event.shiftKey || matchMedia("(pointer: coarse)").matches;
    if (event.key === "Enter" && !makesLines) void submit(event);
    else if (event.key === "Escape" && edited !== null) finished();
    else if (event.key === "ArrowUp" && text.value === "") editLast(event);
  }

  function editLast(event: KeyboardEvent) {
    event.preventDefault(); // the key would go on to the first letter
    const own = conversation.timeline.findLast(
      (item) =>
        item.kind === "message" &&
        item.message.senderId === client.me &&
        item.message.content !== null,
    );
    if (own?.kind === "message") editing.value = own.message;
  }

  return (
    <form class="composer" onSubmit={submit}>
      {edited !== null && (
        <p class="composer-editing">
          Editing a message
          <button type="button" class="button small" onClick={finished}>
            Cancel
          </button>
        </p>
      )}
      <textarea
        ref={box}
        rows={1}
        dir="auto"
        aria-label={`Message to ${titleOf(client, conversation)}`}
        placeholder="Write a message"
        value={text.value}
        onInput={(event) => changed(event.currentTarget.value)}
        onKeyDown={keyPressed}
        onBlur={() => client.typing.stopped()}
        enterkeyhint="enter"
      />
      <button
        type="submit"
        class="icon-button send"
        aria-label={edited === null ? "Send" : "Save changes"}
        aria-disabled={text.value.trim() === ""}
      >
        <Icon name={edited === null ? "send" : "sent"} />
      </button>
      {bytes > WARN_BYTES && (
        <p class="composer-length" role="status">
          {bytes > MAX_BYTES ? `Too long: ${overBy(bytes)}.` : "This is getting long."}
        </p>
      )}
    </form>
  );
}

function overBy(bytes: number): string {
  return `shorten it by about ${bytes - MAX_BYTES} letters`;
}

/** As high as its text, up to what the style sheet allows; by the object model, which needs no inline style. */
function grow(box: HTMLTextAreaElement | null): void {
  if (box === null) return;
  box.style.blockSize = "auto";
  box.style.blockSize = `${box.scrollHeight + box.offsetHeight - box.clientHeight}px`;
}
