import type { Signal } from "@preact/signals";
import { useId } from "preact/hooks";

interface FieldProps {
  label: string;
  value: Signal<string>;
  type?: "text" | "password" | "email" | "search";
  autocomplete?: AutoFill;
  hint?: string | undefined;
  error?: string | undefined;
  required?: boolean;
  minLength?: number;
  maxLength?: number;
  autofocus?: boolean;
}

/** A labelled line of text, with what is wrong with it said beside it. */
export function Field({ label, value, type = "text", hint, error, ...rest }: FieldProps) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        // One of several; the types of the elements know each by itself only.
        type={type as "text"}
        dir={type === "text" || type === "search" ? "auto" : undefined}
        value={value.value}
        onInput={(event) => {
          value.value = event.currentTarget.value;
        }}
        aria-invalid={error !== undefined}
        aria-describedby={note === undefined ? undefined : `${id}-note`}
        autocapitalize="none"
        {...rest}
      />
      {note !== undefined && (
        <p id={`${id}-note`} class={error === undefined ? "hint" : "error"}>
          {note}
        </p>
      )}
    </div>
  );
}
