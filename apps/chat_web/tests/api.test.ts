import { describe, expect, it, vi } from "vitest";
import { Api } from "../src/client/api";
import { LogInStore } from "../src/client/log-in-store";
import { Tokens } from "../src/client/tokens";
import { ANN, fakeSend, MemoryStorage, storedLogin } from "./support/fakes";

describe("whether somebody is blocked", () => {
  it.each([
    ["ann", true],
    ["bob", true],
    ["cleo", false],
  ])("is looked for on every page: %s", async (id, isBlocked) => {
    const pages = [
      { items: [ANN], nextCursor: "a cursor" },
      { items: [{ ...ANN, id: "bob" }], nextCursor: null },
    ];
    const send = fakeSend({ "GET /blocks": () => pages.shift() });
    const storage = new MemoryStorage();
    storage.setItem("chat:login", JSON.stringify(storedLogin()));
    const tokens = new Tokens("session", new LogInStore(storage), send, vi.fn(), vi.fn());
    expect(await new Api(tokens, send, vi.fn()).hasBlocked(id)).toBe(isBlocked);
    const paths = send.mock.calls.map(([, path]) => path);
    expect(paths.slice(1)).toEqual(id === "ann" ? [] : ["/blocks?limit=200&cursor=a%20cursor"]);
  });
});
