import { beforeEach, describe, expect, it, vi } from "vitest";
import { Disconnected, Refused } from "../src/client/errors";
import { LogInStore } from "../src/client/log-in-store";
import { Tokens } from "../src/client/tokens";
import { fakeSend, MemoryStorage, storedLogin } from "./support/fakes";

describe("the tokens", () => {
  let storage: MemoryStorage;
  const ended = vi.fn();
  const renewed = vi.fn();

  function tokens(send = fakeSend()): Tokens {
    return new Tokens("session", new LogInStore(storage), send, ended, renewed);
  }

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("navigator", {});
    vi.clearAllMocks();
    storage = new MemoryStorage();
    storage.setItem("chat:login", JSON.stringify(storedLogin()));
    return () => {
      vi.useRealTimers();
      vi.unstubAllGlobals();
    };
  });

  it("are used as long as they are good", async () => {
    expect(await tokens().fresh()).toBe("token 1");
  });

  it("are renewed before they run out, and told of", async () => {
    tokens().keepRenewing();
    await vi.advanceTimersByTimeAsync(449_000);
    expect(renewed).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(renewed).toHaveBeenCalledWith("token 2");
    await vi.advanceTimersByTimeAsync(450_000);
    expect(renewed).toHaveBeenLastCalledWith("token 3");
  });

  it("are renewed once, whoever asks, in whichever window", async () => {
    const send = fakeSend();
    const [one, other] = [tokens(send), tokens(send)];
    const got = await Promise.all([
      one.refresh("token 1"),
      one.refresh("token 1"),
      other.refresh("token 1"),
    ]);
    expect(got).toEqual(["token 2", "token 2", "token 2"]);
    expect(send).toHaveBeenCalledTimes(1);
  });

  it("are asked for again with the same refresh token, where an answer got lost", async () => {
    let lost = 2;
    const whole = fakeSend();
    const send = fakeSend({
      "POST /users/refresh": () => {
        if (lost-- > 0) throw new Disconnected();
        return whole("POST", "/users/refresh");
      },
    });
    const refreshing = tokens(send).refresh("token 1");
    await vi.advanceTimersByTimeAsync(9_000);
    expect(await refreshing).toBe("token 2");
    const bodies = send.mock.calls.map(([, , body]) => body);
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1);
  });

  it("are not those of the session that another window has begun meanwhile", async () => {
    const other = { ...storedLogin("of the other"), sessionId: "other" };
    storage.setItem("chat:login", JSON.stringify(other));
    await expect(tokens().fresh()).rejects.toThrow(Refused);
  });

  it("stay away where another window has logged out while they were fetched", async () => {
    const whole = fakeSend();
    const send = fakeSend({
      "POST /users/refresh": () => {
        storage.removeItem("chat:login");
        return whole("POST", "/users/refresh");
      },
    });
    await expect(tokens(send).refresh("token 1")).rejects.toThrow(Refused);
    expect(storage.length).toBe(0);
    expect(renewed).not.toHaveBeenCalled();
  });

  it.each(["session_revoked", "refresh_reused", "token_expired"])(
    "tell of the end of the session: %s",
    async (code) => {
      const send = fakeSend({
        "POST /users/refresh": () => {
          throw new Refused({ code, status: 401 });
        },
      });
      await expect(tokens(send).refresh("token 1")).rejects.toThrow(Refused);
      expect(ended).toHaveBeenCalledWith(code);
    },
  );
});
