import { effect, type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

/** A text that survives a reload of this window, under a key of its storage. Not for passwords. */
export function useKept(key: string): Signal<string> {
  const value = useSignal(sessionStorage.getItem(key) ?? "");
  useEffect(
    () =>
      effect(() => {
        if (value.value === "") sessionStorage.removeItem(key);
        else sessionStorage.setItem(key, value.value);
      }),
    [key],
  );
  return value;
}
