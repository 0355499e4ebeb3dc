import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type ChatClient, Disconnected, type User } from "../../client";
import { askedPassword, confirmed, say, tried } from "../alerts";
import { notificationsOn, setNotifications } from "../notifications";
import { Field } from "../parts/field";
import { Icon } from "../parts/icons";
import { NewPasswordField } from "../parts/new-password-field";
import { ScreenHead } from "../parts/screen-head";
import { fieldErrors, sentenceOfError } from "../sentences";

/** One's name, password and account, and how this browser behaves. */
export function Profile({ client }: { client: ChatClient }) {
  const me = useSignal<User | null>(null);
  useEffect(() => {
    void tried(async () => {
      me.value = await client.api.me();
    });
  }, []);
  return (
    <div class="screen">
      <ScreenHead title="Profile and settings" back="/" />
      <a class="button" href="/settings/devices">
        <Icon name="device" /> My devices
      </a>
      {me.value !== null && (
        <Names
          client={client}
          me={me.value}
          onSaved={(user) => {
            me.value = user;
          }}
        />
      )}
      <Password client={client} />
      <Notifications client={client} />
      <Leaving client={client} />
    </div>
  );
}

interface NamesProps {
  client: ChatClient;
  me: User;
  onSaved: (user: User) => void;
}

function Names({ client, me, onSaved }: NamesProps) {
  const displayName = useSignal(me.displayName ?? "");
  const email = useSignal(me.email ?? "");
  const password = useSignal("");
  const told = useSignal("");
  const wrong = useSignal<Record<string, string>>({});

  const address = email.value.trim();
  const isOtherAddress = address !== (me.email ?? "");

  async function submit(event: Event) {
    event.preventDefault();
    const name = displayName.value.trim();
    const changes = {
      ...(name === (me.displayName ?? "") ? {} : { displayName: name || null }),
      ...(isOtherAddress ? { email: address || null, currentPassword: password.value } : {}),
    };
    try {
      const changed = await client.api.changeMe(changes);
      client.directory.take([changed]);
      onSaved(changed);
      displayName.value = changed.displayName ?? "";
      email.value = changed.email ?? "";
      password.value = "";
      wrong.value = {};
      told.value = "Saved.";
    } catch (error) {
      wrong.value = fieldErrors(error);
      told.value = sentenceOfError(error);
    }
  }

  return (
    <form class="settings-part" onSubmit={submit}>
      <h2>You</h2>
      <p class="hint">Your username is {me.username}.</p>
      <Field
        label="Name"
        value={displayName}
        autocomplete="name"
        maxLength={64}
        hint="What others see"
        error={wrong.value.displayName}
      />
      <Field
        label="E-mail (optional)"
        type="email"
        value={email}
        autocomplete="email"
        hint="You can log in with it. Others don't see it"
        error={wrong.value.email}
      />
      {isOtherAddress && (
        <Field
          label="Your password"
          type="password"
          value={password}
          autocomplete="current-password"
          required
          hint={address === "" ? "To remove your address" : "To change your address"}
          error={wrong.value.currentPassword}
        />
      )}
      <p role="status">{told.value}</p>
      <button type="submit" class="button primary">
        Save
      </button>
    </form>
  );
}

function Password({ client }: { client: ChatClient }) {
  const current = useSignal("");
  const next = useSignal("");
  const told = useSignal("");
  const wrong = useSignal<Record<string, string>>({});

  async function submit(event: Event) {
    event.preventDefault();
    try {
      await client.changePassword(current.value, next.value);
      current.value = "";
      next.value = "";
      wrong.value = {};
      told.value = "Your password is changed. Your other devices are logged out.";
    } catch (error) {
      wrong.value = fieldErrors(error);
      told.value = sentenceOfError(error);
    }
  }

  return (
    <form class="settings-part" onSubmit={submit}>
      <h2>Password</h2>
      <Field
        label="Current password"
        type="password"
        value={current}
        autocomplete="current-password"
        required
        error={wrong.value.currentPassword}
      />
      <NewPasswordField label="New password" value={next} error={wrong.value.newPassword} />
      <p role="status">{told.value}</p>
      <button type="submit" class="button primary">
        Change password
      </button>
    </form>
  );
}

function Notifications({ client }: { client: ChatClient }) {
  if (!("Notification" in globalThis)) return null;
  async function change(on: boolean) {
    await setNotifications(client, on);
    if (on && !notificationsOn.value)
      await say("Notifications are off", "Your browser does not allow them for this page.");
  }
  return (
    <section class="settings-part">
      <h2>Notifications</h2>
      <label class="check">
        <input
          type="checkbox"
          checked={notificationsOn.value}
          onChange={(event) => void change(event.currentTarget.checked)}
        />
        Show new messages while this window is hidden
      </label>
    </section>
  );
}

function Leaving({ client }: { client: ChatClient }) {
  async function logOut() {
    const waiting = client.outbox.all().length;
    const lost = "This browser will lose unsent messages and drafts.";
    if (waiting > 0 && !(await confirmed("Log out?", lost, "Log out"))) return;
    try {
      await client.logOut();
    } catch (error) {
      if (!(error instanceof Disconnected)) return void say("", sentenceOfError(error));
      const text =
        "The server can't be reached, so your session stays valid there until it expires.";
      if (await confirmed("Forget you in this browser?", text, "Forget")) client.forget();
    }
  }

  async function deleteAccount() {
    const text = "Everything you wrote is deleted for everyone. This can't be undone.";
    const password = await askedPassword("Delete your account?", text, "Delete everything", {
      isDangerous: true,
    });
    if (password === null) return;
    if (await tried(() => client.api.deleteMe(password))) client.forget();
  }

  return (
    <section class="settings-part">
      <h2>Leaving</h2>
      <button type="button" class="button" onClick={() => void logOut()}>
        <Icon name="leave" /> Log out
      </button>
      <button type="button" class="button danger" onClick={() => void deleteAccount()}>
        <Icon name="trash" /> Delete the account
      </button>
    </section>
  );
}
