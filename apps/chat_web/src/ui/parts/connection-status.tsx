import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ChatClient, Status } from "../../client";
import { changed } from "../live";
import { sentenceOf, waiting } from "../sentences";

const RECONNECTED_MS = 3_000;

/** One line that says how it stands with the connection, and nothing when all is well. */
export function ConnectionStatus({ client }: { client: ChatClient }) {
  changed.status.value;
  changed.outbox.value;
  const { status } = client;
  const isBack = useIsBack(status.kind);
  const text = textOf(client, isBack);
  return (
    <div class={`connection ${status.kind}`} role="status">
      {text !== "" && <p>{text}</p>}
    </div>
  );
}

function textOf({ status, outbox }: ChatClient, isBack: boolean): string {
  if (status.kind === "connecting") return "Connecting …";
  const unsent = outbox.all().filter(({ refused }) => refused === null).length;
  if (status.kind === "offline") {
    const why = status.problem === null ? "Offline." : sentenceOf(status.problem);
    return `${why} ${waitingText(unsent)}Reconnecting …`;
  }
  if (status.kind === "online" && outbox.pausedUntil > 0) {
    const left = (outbox.pausedUntil - Date.now()) / 1000;
    return `You are sending too fast. ${waitingText(unsent)}Continuing in ${waiting(left)}.`;
  }
  return isBack ? "Connected again." : "";
}

function waitingText(count: number): string {
  if (count === 0) return "";
  return count === 1 ? "1 message waiting. " : `${count} messages waiting. `;
}

/** True for a while after the connection has come back. */
function useIsBack(kind: Status["kind"]): boolean {
  const wasLost = useSignal(false);
  const isBack = useSignal(false);
  useEffect(() => {
    if (kind === "offline") wasLost.value = true;
    if (kind !== "online" || !wasLost.value) return;
    isBack.value = true;
    const timer = setTimeout(() => {
      isBack.value = false;
      wasLost.value = false;
    }, RECONNECTED_MS);
    return () => clearTimeout(timer);
  }, [kind]);
  return isBack.value && kind === "online";
}
