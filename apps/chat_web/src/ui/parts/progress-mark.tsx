import type { Progress } from "../names";
import { Icon, type IconName } from "./icons";

const SHOWN: Record<Progress | "sending", { icon: IconName; label: string }> = {
  sending: { icon: "sending", label: "Sending" },
  sent: { icon: "sent", label: "Sent" },
  delivered: { icon: "read", label: "Delivered" },
  read: { icon: "read", label: "Read" },
};

/** How far a message of one's own has come: a shape and a word, not a colour alone. */
export function ProgressMark({ progress }: { progress: Progress | "sending" }) {
  const { icon, label } = SHOWN[progress];
  return (
    <span class={`progress ${progress}`} title={label}>
      <Icon name={icon} size={16} />
      <span class="only-heard">{label}</span>
    </span>
  );
}
