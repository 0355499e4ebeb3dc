import type { Signal } from "@preact/signals";
import { Field } from "./field";

interface NewPasswordFieldProps {
  label: string;
  value: Signal<string>;
  error: string | undefined;
}

/** Where one chooses a password, with what the server asks of it. */
export function NewPasswordField(props: NewPasswordFieldProps) {
  return (
    <Field
      type="password"
      autocomplete="new-password"
      required
      hint="At least 8 characters, 5 of them different"
      {...props}
    />
  );
}
