import { useSignal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import { type ChatClient, Refused } from "../../client";
import { tried } from "../alerts";
import { Field } from "../parts/field";
import { Icon } from "../parts/icons";
import { NewPasswordField } from "../parts/new-password-field";
import { Problem } from "../parts/problem";
import { fieldErrors, sentenceOfError } from "../sentences";
import { typedPassword } from "../session";

/** Choosing a password in place of the one that the operator made. The session goes on. */
export function OwnPassword({ client }: { client: ChatClient }) {
  const given = useSignal("");
  const chosen = useSignal("");
  const isBusy = useSignal(false);
  const problem = useSignal("");
  const wrong = useSignal<Record<string, string>>({});
  const form = useRef<HTMLFormElement>(null);
  const id = useId();
  // By hand, since the browser heeds `autofocus` once in a page. The form says why one is here.
  useEffect(() => form.current?.querySelector("input")?.focus(), []);

  async function submit(event: Event) {
    event.preventDefault();
    if (isBusy.value) return;
    isBusy.value = true;
    problem.value = "";
    wrong.value = {};
    try {
      await client.changePassword(typedPassword.value ?? given.value, chosen.value);
    } catch (error) {
      wrong.value = fieldErrors(error);
      problem.value = sentenceOfError(error);
      if (!(error instanceof Refused && error.code === "wrong_password")) return;
      // What was typed is not the password any more: ask for it, or go on if it was changed.
      typedPassword.value = null;
      void client.probe();
    } finally {
      isBusy.value = false;
    }
  }

  return (
    <main class="entrance">
      <form
        ref={form}
        class="card"
        onSubmit={submit}
        aria-labelledby={id}
        aria-describedby={`${id}-why`}
      >
        <h1 id={id}>Choose your own password</h1>
        <p id={`${id}-why`}>
          Your password was made for you, so you are not the only one who has seen it. Choose one
          that only you know. Then you can start to chat.
        </p>
        {typedPassword.value === null && (
          <Field
            label="The password you were given"
            type="password"
            value={given}
            autocomplete="current-password"
            required
            error={wrong.value.currentPassword}
          />
        )}
        <NewPasswordField label="New password" value={chosen} error={wrong.value.newPassword} />
        <Problem
          text={problem.value}
          wrong={wrong.value}
          fields={["currentPassword", "newPassword"]}
        />
        <button type="submit" class="button primary" aria-disabled={isBusy.value}>
          Save password
        </button>
        <button type="button" class="button" onClick={() => void tried(() => client.logOut())}>
          <Icon name="leave" /> Log out
        </button>
      </form>
    </main>
  );
}
