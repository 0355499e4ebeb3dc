import { type Signal, signal } from "@preact/signals";
import { render } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { concernsSession, Refused } from "../client";
import { Field } from "./parts/field";
import { sentenceOfError } from "./sentences";

/** What a dialog says and asks. All of it is shown as text: names of people are part of it. */
interface Question {
  title: string;
  text?: string;
  /** What the button says that means yes. */
  action: string;
  isDangerous?: boolean;
  /** Without a way to say no it only tells something. */
  canCancel?: boolean;
  input?: {
    label: string;
    value: Signal<string>;
    type: "text" | "password";
    autocomplete: AutoFill;
    maxLength?: number;
  };
}

/** Ask before something that can't be undone. `action` is what the button says. */
export function confirmed(title: string, text: string, action: string): Promise<boolean> {
  return asked({ title, text, action, isDangerous: true, canCancel: true });
}

/** Ask for the password, before something that needs it: null if the answer is no. */
export async function askedPassword(
  title: string,
  text: string,
  action: string,
  { isDangerous = false } = {},
): Promise<string | null> {
  const value = signal("");
  const input = {
    label: "Password",
    value,
    type: "password",
    autocomplete: "current-password",
  } as const;
  const isYes = await asked({ title, text, action, isDangerous, canCancel: true, input });
  return isYes ? value.value : null;
}

/** Ask for a line of text: null if the answer is no. */
export async function askedText(
  title: string,
  label: string,
  before: string,
): Promise<string | null> {
  const value = signal(before);
  const input = {
    label,
    value,
    type: "text",
    autocomplete: "off",
    maxLength: 100,
  } as const;
  const isYes = await asked({ title, action: "Save", canCancel: true, input });
  return isYes ? value.value.trim() : null;
}

/** Say a sentence that has to be seen. */
export async function say(title: string, text = ""): Promise<void> {
  await asked({ title, text, action: "OK" });
}

/** Do something that the server may refuse, and say why it did: whether it worked. */
export async function tried(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    const isOnScreen = error instanceof Refused && concernsSession(error.code);
    if (!isOnScreen) await say("That did not work", sentenceOfError(error));
    return false;
  }
}

/** Close every dialog, with no for an answer: it belongs to a session that is over. */
export function dismissAll(): void {
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
}

/** Show a dialog over all else, and wait for yes or no; Escape is a no. */
function asked(question: Question): Promise<boolean> {
  const place = document.createElement("div");
  document.body.append(place);
  return new Promise((resolve) => {
    function answered(isYes: boolean) {
      render(null, place);
      place.remove();
      resolve(isYes);
    }
    render(<Dialog question={question} onAnswer={answered} />, place);
  });
}

const YES = "yes";

interface DialogProps {
  question: Question;
  onAnswer: (isYes: boolean) => void;
}

/** The platform's own dialog: it keeps the focus inside, and gives it back at its end. */
function Dialog({ question, onAnswer }: DialogProps) {
  const { title, text = "", action, isDangerous = false, canCancel = false, input } = question;
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => dialog.current?.showModal(), []);

  function submit(event: Event) {
    event.preventDefault();
    dialog.current?.close(YES);
  }

  return (
    <dialog
      ref={dialog}
      class="alert"
      aria-labelledby={`${id}-title`}
      aria-describedby={text === "" ? undefined : `${id}-text`}
      onClose={() => onAnswer(dialog.current?.returnValue === YES)}
    >
      <form onSubmit={submit}>
        <h2 id={`${id}-title`} dir="auto">
          {title}
        </h2>
        {text !== "" && (
          <p id={`${id}-text`} dir="auto">
            {text}
          </p>
        )}
        {input !== undefined && <Field {...input} autofocus />}
        <div class="alert-buttons">
          {canCancel && (
            <button
              type="button"
              class="button"
              autofocus={input === undefined}
              onClick={() => dialog.current?.close()}
            >
              Cancel
            </button>
          )}
          <button type="submit" class={`button ${isDangerous ? "danger" : "primary"}`}>
            {action}
          </button>
        </div>
      </form>
    </dialog>
  );
}
