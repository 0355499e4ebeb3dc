/** How many colours the style sheet has for avatars. */
const COLOURS = 8;

/** A round with initials; its colour is always the same for an id. Decoration: the name is beside it. */
export function Avatar({ id, name, online }: { id: string; name: string; online?: boolean }) {
  return (
    <span class={`avatar colour-${colourOf(id)}`} aria-hidden="true">
      {initials(name)}
      {online === true && <span class="avatar-online" />}
    </span>
  );
}

function initials(name: string): string {
  const words = name.split(/\s+/).filter(Boolean);
  const chosen = words.length > 1 ? [words[0], words.at(-1)] : words;
  return chosen.map((word) => [...(word ?? "")][0]?.toLocaleUpperCase() ?? "").join("");
}

function colourOf(id: string): number {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 9973;
  return sum % COLOURS;
}
