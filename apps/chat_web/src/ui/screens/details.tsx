import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ChatClient, ConversationState, Role, User } from "../../client";
import { askedText, confirmed, tried } from "../alerts";
import { changed, conversationChanged, watch } from "../live";
import { nameOf, otherOf, titleOf, userOf } from "../names";
import { Avatar } from "../parts/avatar";
import { Icon } from "../parts/icons";
import { PeopleSearch } from "../parts/people-search";
import { ScreenHead } from "../parts/screen-head";
import { conversationPath, navigate } from "../route";

/** Who is in a conversation, and what may be changed about it. */
export function Details({ client, id }: { client: ChatClient; id: string }) {
  conversationChanged(id).value;
  changed.users.value;
  const conversation = client.state.conversations.get(id);
  if (conversation === undefined)
    return (
      <p class="nothing-chosen" role="status">
        Loading …
      </p>
    );
  const title = titleOf(client, conversation);
  const other = otherOf(client, conversation);
  return (
    <div class="screen">
      <ScreenHead title={title} back={conversationPath(id)} />
      {other === undefined ? (
        <Group client={client} conversation={conversation} />
      ) : (
        <Person client={client} userId={other} />
      )}
    </div>
  );
}

function Person({ client, userId }: { client: ChatClient; userId: string }) {
  const user = userOf(client, userId);
  const isBlocked = useSignal<boolean | null>(null);
  useEffect(() => {
    void tried(async () => {
      isBlocked.value = await client.api.hasBlocked(userId);
    });
  }, [userId]);

  async function setBlock(block: boolean) {
    const call = block ? client.api.block : client.api.unblock;
    if (await tried(() => call(userId))) isBlocked.value = block;
  }

  const name = nameOf(client, userId);
  return (
    <>
      <div class="person-card">
        <Avatar id={userId} name={name} online={user?.presence.online === true} />
        <p class="hint">{user?.username == null ? "" : `@${user.username}`}</p>
      </div>
      {isBlocked.value !== null && (
        <section class="settings-part">
          <h2>Block</h2>
          <p>
            {isBlocked.value
              ? `You have blocked ${name}: neither of you can write here.`
              : "If you block someone, neither of you can write here. Groups are not affected."}
          </p>
          <button
            type="button"
            class={isBlocked.value ? "button" : "button danger"}
            onClick={() => void setBlock(isBlocked.value !== true)}
          >
            {isBlocked.value ? "Unblock" : `Block ${name}`}
          </button>
        </section>
      )}
    </>
  );
}

interface GroupProps {
  client: ChatClient;
  conversation: ConversationState;
}

function Group({ client, conversation }: GroupProps) {
  watch(conversation);
  const { id, members } = conversation;
  const own = members.get(client.me);
  const mayManage = own === "owner" || own === "admin";
  const hasAll = conversation.hasAllMembers;
  useEffect(() => {
    if (!hasAll) void tried(() => client.describer.members(id));
  }, [id, hasAll]);

  async function rename() {
    const title = await askedText("Rename the group", "Group name", conversation.title ?? "");
    if (title) await tried(() => client.api.rename(id, title));
  }

  async function leave() {
    const text = "You can come back only if someone adds you again.";
    if (!(await confirmed("Leave this group?", text, "Leave"))) return;
    if (await tried(() => client.api.removeMember(id, client.me))) navigate("/");
  }

  return (
    <>
      {mayManage && (
        <button type="button" class="button" onClick={() => void rename()}>
          <Icon name="compose" /> Rename the group
        </button>
      )}
      <section class="settings-part">
        <h2>{conversation.memberCount} members</h2>
        <ul class="people">
          {[...members].map(([userId, role]) => (
            <MemberRow
              key={userId}
              client={client}
              conversation={conversation}
              userId={userId}
              role={role}
            />
          ))}
        </ul>
      </section>
      {mayManage && (
        <PeopleSearch
          client={client}
          label="Add someone"
          without={new Set(members.keys())}
          onChoose={(user: User) => {
            client.directory.take([user]);
            void tried(() => client.api.addMember(id, user.id));
          }}
        />
      )}
      {own !== undefined && (
        <button type="button" class="button danger" onClick={() => void leave()}>
          <Icon name="leave" /> Leave the group
        </button>
      )}
    </>
  );
}

const ROLES: Role[] = ["member", "admin", "owner"];

function MemberRow({
  client,
  conversation,
  userId,
  role,
}: GroupProps & { userId: string; role: Role }) {
  watch(conversation);
  const name = nameOf(client, userId);
  const own = conversation.members.get(client.me);
  const isSelf = userId === client.me;
  const mayRemove = !isSelf && (own === "owner" || (own === "admin" && role === "member"));

  async function changeRole(select: HTMLSelectElement) {
    const wanted = ROLES.find((each) => each === select.value) ?? role;
    if (!(await tried(() => client.api.changeRole(conversation.id, userId, wanted))))
      select.value = role;
  }

  async function remove() {
    const text = `${name} will not see later messages.`;
    if (!(await confirmed(`Remove ${name}?`, text, "Remove"))) return;
    await tried(() => client.api.removeMember(conversation.id, userId));
  }

  return (
    <li class="person">
      <Avatar id={userId} name={name} online={userOf(client, userId)?.presence.online === true} />
      <span class="person-name" dir="auto">
        {name}
        {isSelf && " (you)"}
      </span>
      <span class="person-controls">
        {own === "owner" ? (
          <select
            aria-label={`Role of ${name}`}
            value={role}
            onChange={(event) => void changeRole(event.currentTarget)}
          >
            {/* A role that only later versions know stays what it is until another is chosen. */}
            {[...new Set([...ROLES, role])].map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        ) : (
          <span class="person-note">{role}</span>
        )}
        {mayRemove && (
          <button
            type="button"
            class="icon-button"
            aria-label={`Remove ${name}`}
            onClick={() => void remove()}
          >
            <Icon name="close" />
          </button>
        )}
      </span>
    </li>
  );
}
