interface ProblemProps {
  text: string;
  /** What is wrong with each field, by its name. */
  wrong: Record<string, string>;
  /** The fields that say so themselves. */
  fields: readonly string[];
}

/** Why a form was refused. Always read out; not shown where the fields themselves say it. */
export function Problem({ text, wrong, fields }: ProblemProps) {
  const names = Object.keys(wrong);
  const isBeside = names.length > 0 && names.every((name) => fields.includes(name));
  return (
    <p class={isBeside ? "only-heard" : "error"} role="alert">
      {text}
    </p>
  );
}
