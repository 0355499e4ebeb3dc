import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "./icons";

interface ScreenHeadProps {
  title: string;
  /** Where the way back leads. */
  back: string;
  /** Whether the heading takes the focus when the screen is shown: another part may want it. */
  takesFocus?: boolean;
  children?: ComponentChildren;
}

/** The head of a screen: the way back, and a heading that tells a screen reader where one is. */
export function ScreenHead({ title, back, takesFocus = true, children }: ScreenHeadProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (takesFocus) heading.current?.focus();
  }, [takesFocus]);
  return (
    <header class="screen-head">
      <a class="icon-button back" href={back} aria-label="Back">
        <Icon name="back" />
      </a>
      <h1 ref={heading} tabIndex={-1} dir="auto">
        {title}
      </h1>
      {children}
    </header>
  );
}
