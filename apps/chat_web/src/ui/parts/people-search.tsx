import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ChatClient, User } from "../../client";
import { sentenceOfError } from "../sentences";
import { Avatar } from "./avatar";
import { Field } from "./field";

/** So long after the last key the search begins. */
const PAUSE_MS = 200;

interface PeopleSearchProps {
  client: ChatClient;
  label: string;
  onChoose: (user: User) => void;
  /** Who is not offered. */
  without?: ReadonlySet<string>;
}

/** Find people by the beginning of a name. */
export function PeopleSearch({ client, label, onChoose, without }: PeopleSearchProps) {
  const words = useSignal("");
  const found = useSignal<User[] | null>(null);
  const problem = useSignal("");
  const q = words.value.trim();

  useEffect(() => {
    let isCurrent = true;
    const timer = setTimeout(async () => {
      if (q === "") {
        found.value = null;
        return;
      }
      try {
        const { items } = await client.api.search(q);
        if (isCurrent) found.value = items;
        problem.value = "";
      } catch (error) {
        if (isCurrent) problem.value = sentenceOfError(error);
      }
    }, PAUSE_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [q]);

  const offered = found.value?.filter(({ id }) => !without?.has(id));
  return (
    <search class="people-search">
      <Field
        label={label}
        type="search"
        value={words}
        autocomplete="off"
        hint="Type the beginning of a name"
      />
      <p class="error" role="alert">
        {problem.value}
      </p>
      <p class="only-heard" role="status">
        {offered !== undefined && `${offered.length} found`}
      </p>
      {offered?.length === 0 && <p class="hint">Nobody has that name.</p>}
      <ul class="people">
        {offered?.map((user) => (
          <li key={user.id}>
            <button type="button" class="person" onClick={() => onChoose(user)}>
              <Avatar
                id={user.id}
                name={user.displayName ?? user.username ?? ""}
                online={user.presence.online}
              />
              <span class="person-name" dir="auto">
                {user.displayName ?? user.username}
              </span>
              {user.username !== null && <span class="person-note">@{user.username}</span>}
            </button>
          </li>
        ))}
      </ul>
    </search>
  );
}
