import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Disconnected, Refused } from "../src/client/errors";
import { sentenceOf, sentenceOfError } from "../src/ui/sentences";

const page = readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf8");
const codes = [...page.matchAll(/^\| `(\w+)` \| `\w+` \|/gm)].map(([, code]) => code ?? "");

describe("a problem of the server", () => {
  it.each(codes)("has a sentence of its own: %s", (code) => {
    expect(sentenceOf({ code })).not.toBe("That did not work.");
  });

  it("is known by its status where its code is not", () => {
    expect(sentenceOf({ code: "of_a_later_version", status: 403 })).toBe(
      "You are not allowed to do that.",
    );
  });

  it("tells of each field that is wrong", () => {
    const errors = [{ field: "title", message: "must not be empty" }];
    expect(sentenceOf({ code: "invalid", errors })).toBe("Group name must not be empty.");
  });

  it.each([
    [1, "a second"],
    [30, "30 seconds"],
    [121, "3 minutes"],
    [3_600, "60 minutes"],
    [86_400, "24 hours"],
  ])("tells how long to wait: %i seconds", (retryAfter, words) => {
    const problem = { code: "rate_limited", retryAfter };
    expect(sentenceOf(problem)).toBe(`You did that too often. Please wait ${words}.`);
  });
});

describe("what a call throws", () => {
  it("is a sentence where the server refused, or could not be reached", () => {
    expect(sentenceOfError(new Refused({ code: "last_owner" }))).toContain("only owner");
    expect(sentenceOfError(new Disconnected())).toContain("can't be reached");
  });

  it("is thrown on where it is a mistake of ours", () => {
    expect(() => sentenceOfError(new TypeError("oops"))).toThrow(TypeError);
  });
});
