import { useSignal } from "@preact/signals";
import { logIn, signUp } from "../../client";
import { thisDevice } from "../browser-name";
import { Field } from "../parts/field";
import { useKept } from "../parts/kept";
import { NewPasswordField } from "../parts/new-password-field";
import { Problem } from "../parts/problem";
import { fieldErrors, sentenceOfEnd, sentenceOfError } from "../sentences";
import { begin, endedBy } from "../session";

/** Logging in, and making an account; both keep what was typed when one goes to the other. */
export function LogIn({ isNew }: { isNew: boolean }) {
  const name = useKept("chat:form:name");
  const displayName = useKept("chat:form:display-name");
  const password = useSignal("");
  const isBusy = useSignal(false);
  const problem = useSignal("");
  const wrong = useSignal<Record<string, string>>({});

  async function submit(event: Event) {
    event.preventDefault();
    if (isBusy.value) return;
    isBusy.value = true;
    problem.value = "";
    wrong.value = {};
    try {
      if (isNew) await signUp(accountOf(name.value, password.value, displayName.value));
      const credentials = { name: name.value.trim(), password: password.value };
      const login = await logIn(credentials, thisDevice());
      name.value = "";
      displayName.value = "";
      begin(login, password.value);
    } catch (error) {
      wrong.value = fieldErrors(error);
      problem.value = sentenceOfError(error);
    } finally {
      isBusy.value = false;
    }
  }

  const ended = endedBy.value;
  return (
    <main class="entrance">
      <form class="card" onSubmit={submit}>
        <h1>{isNew ? "Create an account" : "Log in"}</h1>
        {ended !== null && <p class="notice">{sentenceOfEnd(ended)}</p>}
        <Field
          label={isNew ? "Username" : "Username or e-mail"}
          value={name}
          autocomplete="username"
          required
          autofocus
          hint={isNew ? "3 to 32 letters, digits, dots, underscores and hyphens" : undefined}
          error={wrong.value.username}
        />
        {isNew && (
          <Field
            label="Name (optional)"
            value={displayName}
            autocomplete="name"
            maxLength={64}
            hint="What others see"
            error={wrong.value.displayName}
          />
        )}
        {isNew ? (
          <NewPasswordField label="Password" value={password} error={wrong.value.password} />
        ) : (
          <Field
            label="Password"
            type="password"
            value={password}
            autocomplete="current-password"
            required
            error={wrong.value.password}
          />
        )}
        <Problem
          text={problem.value}
          wrong={wrong.value}
          fields={["username", "displayName", "password"]}
        />
        <button type="submit" class="button primary" aria-disabled={isBusy.value}>
          {isNew ? "Create account" : "Log in"}
        </button>
        {isNew ? (
          <p>
            Already have an account? <a href="/log-in">Log in</a>
          </p>
        ) : (
          <p>
            New here? <a href="/register">Create an account</a>
          </p>
        )}
      </form>
    </main>
  );
}

function accountOf(name: string, password: string, displayName: string) {
  const account = { username: name.trim(), password };
  return displayName.trim() === "" ? account : { ...account, displayName: displayName.trim() };
}
