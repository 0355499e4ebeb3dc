import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type ChatClient, type Conversation, newClientId, type User } from "../../client";
import { tried } from "../alerts";
import { Avatar } from "../parts/avatar";
import { Field } from "../parts/field";
import { Icon } from "../parts/icons";
import { useKept } from "../parts/kept";
import { PeopleSearch } from "../parts/people-search";
import { ScreenHead } from "../parts/screen-head";
import { conversationPath, navigate } from "../route";

/** Begin a conversation with somebody, or a group with several. */
export function NewConversation({ client }: { client: ChatClient }) {
  const isGroup = useSignal(false);
  const isBusy = useSignal(false);
  const title = useKept(client.data.key("group-title"));
  const chosen = useSignal<User[]>([]);
  // The same for every try: a lost answer must not make a second group.
  const clientId = useSignal(newClientId());

  useEffect(() => {
    if (title.value !== "") isGroup.value = true;
  }, []);

  async function open(ask: () => Promise<Conversation>) {
    if (isBusy.value) return;
    isBusy.value = true;
    const isOpen = await tried(async () => {
      const conversation = await ask();
      await client.opened(conversation);
      title.value = "";
      navigate(conversationPath(conversation.id), { replace: true });
    });
    isBusy.value = false;
    if (!isOpen) clientId.value = newClientId();
  }

  function choose(user: User) {
    client.directory.take([user]);
    if (!isGroup.value) return void open(() => client.api.openDirect(user.id));
    const isIn = chosen.value.some(({ id }) => id === user.id);
    if (!isIn) chosen.value = [...chosen.value, user];
  }

  function submitGroup(event: Event) {
    event.preventDefault();
    const members = chosen.value.map(({ id }) => id);
    if (members.length === 0 || title.value.trim() === "") return;
    void open(() => client.api.openGroup(title.value.trim(), members, clientId.value));
  }

  return (
    <div class="screen">
      <ScreenHead title="New conversation" back="/" />
      <fieldset class="choice" aria-label="Kind of conversation">
        <button type="button" aria-pressed={!isGroup.value} onClick={() => (isGroup.value = false)}>
          With one person
        </button>
        <button type="button" aria-pressed={isGroup.value} onClick={() => (isGroup.value = true)}>
          Group
        </button>
      </fieldset>
      {isGroup.value && (
        <form class="group-form" onSubmit={submitGroup}>
          <Field label="Group name" value={title} required maxLength={100} />
          <Chosen users={chosen.value} onRemove={(id) => remove(id)} />
          <button
            type="submit"
            class="button primary"
            aria-disabled={chosen.value.length === 0 || title.value.trim() === "" || isBusy.value}
          >
            Create the group
          </button>
        </form>
      )}
      <PeopleSearch
        client={client}
        label={isGroup.value ? "Add people" : "Find someone"}
        onChoose={choose}
      />
    </div>
  );

  function remove(id: string) {
    chosen.value = chosen.value.filter((user) => user.id !== id);
  }
}

function Chosen({ users, onRemove }: { users: User[]; onRemove: (id: string) => void }) {
  if (users.length === 0) return <p class="hint">Only you are in the group so far.</p>;
  return (
    <ul class="chosen" aria-label="Members to add">
      {users.map(({ id, displayName, username }) => (
        <li key={id}>
          <Avatar id={id} name={displayName ?? username ?? ""} />
          <span dir="auto">{displayName ?? username}</span>
          <button
            type="button"
            class="icon-button"
            aria-label={`Remove ${displayName ?? username}`}
            onClick={() => onRemove(id)}
          >
            <Icon name="close" size={16} />
          </button>
        </li>
      ))}
    </ul>
  );
}
