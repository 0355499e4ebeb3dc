import { effect, type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

/** A value that survives a reload of this window. Not for passwords. */
export function useKept(key: string, initial: string): Signal<string> {
  const name = `chat:form:${key}`;
  const value = useSignal(sessionStorage.getItem(name) ?? initial);
  useEffect(
    () =>
      effect(() => {
        if (value.value === initial) sessionStorage.removeItem(name);
        else sessionStorage.setItem(name, value.value);
      }),
    [name],
  );
  return value;
}
