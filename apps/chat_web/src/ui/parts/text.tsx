/** Addresses in what people write. What ends a sentence is not part of one. */
const LINK = /https?:\/\/[^\s<>"]+[^\s<>"'.,;:!?)\]}]/g;

/** What somebody wrote: its own direction, its own lines, and addresses that can be followed. */
export function Text({ content }: { content: string }) {
  return (
    <p class="text" dir="auto">
      {partsOf(content).map((part, at) =>
        at % 2 === 0 ? (
          part
        ) : (
          <a href={part} target="_blank" rel="noopener noreferrer" key={`${at}`}>
            {part}
          </a>
        ),
      )}
    </p>
  );
}

/** Text and addresses in turn, text first. */
export function partsOf(content: string): string[] {
  const parts: string[] = [];
  let end = 0;
  for (const match of content.matchAll(LINK)) {
    parts.push(content.slice(end, match.index), match[0]);
    end = match.index + match[0].length;
  }
  parts.push(content.slice(end));
  return parts;
}
