import { describe, expect, it } from "vitest";
import {
  frozen,
  indexesOf,
  type Timeline,
  windowAtEnd,
  windowDown,
  windowUp,
} from "../src/ui/timeline-window";
import { message } from "./support/fakes";

function timeline(first: number, last: number): Timeline {
  return Array.from({ length: last - first + 1 }, (_, at) => ({
    kind: "message" as const,
    seq: first + at,
    message: message(first + at),
  }));
}

describe("the part of a conversation that is in the page", () => {
  it("is its end at first, and stays there as messages come", () => {
    const window = windowAtEnd(timeline(1, 500));
    expect(indexesOf(timeline(1, 500), window)).toEqual([420, 500]);
    expect(indexesOf(timeline(1, 501), window)).toEqual([420, 501]);
  });

  it("does not reach into history that is loaded later", () => {
    const window = frozen(timeline(461, 500), windowAtEnd(timeline(461, 500)));
    expect(indexesOf(timeline(361, 500), window)).toEqual([100, 140]);
  });

  it("is bounded, however far one scrolls", () => {
    const long = timeline(1, 50_000);
    let window = windowAtEnd(long);
    for (let step = 0; step < 100; step++) {
      window = windowUp(long, frozen(long, window));
      const [from, to] = indexesOf(long, window);
      expect(to - from).toBeLessThanOrEqual(160);
    }
    for (let step = 0; step < 200; step++) window = windowDown(long, window);
    expect(indexesOf(long, window)[1]).toBe(50_000);
  });

  it("leaves out what comes in while one reads further up", () => {
    const window = frozen(timeline(1, 100), windowAtEnd(timeline(1, 100)));
    expect(indexesOf(timeline(1, 130), window)).toEqual([20, 100]);
    expect(indexesOf(timeline(1, 130), windowDown(timeline(1, 130), window))).toEqual([20, 130]);
  });

  it("stops at the first message", () => {
    const short = timeline(1, 30);
    const window = windowAtEnd(short);
    expect(windowUp(short, window)).toEqual(window);
  });
});
