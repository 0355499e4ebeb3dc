import { computed, signal } from "@preact/signals";

/** The screens, each with an address of its own, so that a link leads to it. */
export type Route =
  | { screen: "log-in" | "register" | "chats" | "new" | "profile" | "devices" }
  | { screen: "conversation" | "details"; id: string };

const path = signal(location.pathname);

export const route = computed<Route>(() => routeOf(path.value));

export function routeOf(pathname: string): Route {
  const [first = "", second, third] = pathname.split("/").filter(Boolean).map(decodeURIComponent);
  if (first === "chat" && second !== undefined)
    return { screen: third === "details" ? "details" : "conversation", id: second };
  if (first === "settings") return { screen: second === "devices" ? "devices" : "profile" };
  if (first === "log-in" || first === "register" || first === "new") return { screen: first };
  return { screen: "chats" };
}

export function conversationPath(id: string): string {
  return `/chat/${encodeURIComponent(id)}`;
}

/** Go to another screen. `replace` leaves no way back to this one. */
export function navigate(to: string, { replace = false } = {}): void {
  if (to === path.value) return;
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  path.value = to;
}

addEventListener("popstate", () => {
  path.value = location.pathname;
});

// Links stay links: to be opened in another window, and to be read out as what they are.
addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (link === null || link.origin !== location.origin || link.target !== "") return;
  event.preventDefault();
  navigate(link.pathname);
});
