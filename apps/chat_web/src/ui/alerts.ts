import { sentenceOfError } from "./sentences";

/**
 * SweetAlert2, fetched when it is first needed. Its script without styles: the other one writes
 * a style element into the page, which the content security policy forbids.
 */
async function sweetAlert() {
  const [{ default: Swal }] = await Promise.all([
    import("sweetalert2/dist/sweetalert2.esm.js"),
    import("sweetalert2/dist/sweetalert2.css"),
    import("./styles/alerts.css"),
  ]);
  const classes = { popup: "alert", confirmButton: "button primary", cancelButton: "button" };
  const animation = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  return Swal.mixin({
    theme: "auto",
    animation,
    heightAuto: false,
    buttonsStyling: false,
    customClass: classes,
  });
}

/** Ask before something that can't be undone. `action` is what the button says. */
export async function confirmed(title: string, text: string, action: string): Promise<boolean> {
  const swal = await sweetAlert();
  const { isConfirmed } = await swal.fire({
    title,
    text,
    showCancelButton: true,
    focusCancel: true,
    reverseButtons: true,
    confirmButtonText: action,
    customClass: { popup: "alert", confirmButton: "button danger", cancelButton: "button" },
  });
  return isConfirmed;
}

/** Ask for the password, before something that needs it. */
export async function askedPassword(
  title: string,
  text: string,
  action: string,
): Promise<string | null> {
  const swal = await sweetAlert();
  const answer = await swal.fire<string>({
    title,
    text,
    input: "password",
    inputLabel: "Password",
    inputAttributes: { autocomplete: "current-password" },
    showCancelButton: true,
    reverseButtons: true,
    confirmButtonText: action,
    customClass: { popup: "alert", confirmButton: "button danger", cancelButton: "button" },
  });
  return answer.isConfirmed ? (answer.value ?? "") : null;
}

/** Ask for a line of text. */
export async function askedText(title: string, value: string): Promise<string | null> {
  const swal = await sweetAlert();
  const answer = await swal.fire<string>({
    title,
    input: "text",
    inputLabel: title,
    inputValue: value,
    inputAttributes: { maxlength: "100", dir: "auto" },
    showCancelButton: true,
    reverseButtons: true,
    confirmButtonText: "Save",
  });
  return answer.isConfirmed ? (answer.value ?? "").trim() : null;
}

/** Say a sentence that has to be seen. */
export async function say(title: string, text = ""): Promise<void> {
  await (await sweetAlert()).fire({ title, text, confirmButtonText: "All right" });
}

/** Do something that the server may refuse, and say why it did: whether it worked. */
export async function tried(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    await say("That did not work", sentenceOfError(error));
    return false;
  }
}
