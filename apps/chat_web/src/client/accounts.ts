import { type Send, send as sendByHttp, serverClock } from "./http";
import { LogInStore, type StoredLogin } from "./log-in-store";
import type { Login, User } from "./wire";

/** What somebody fills in to log in; `name` is a user name or an e-mail address. */
export interface Credentials {
  name: string;
  password: string;
}

/** Start a session on this device. Throws `Disconnected`, `Refused`. */
export async function logIn(
  { name, password }: Credentials,
  device: string,
  send: Send = sendByHttp,
  store = new LogInStore(),
): Promise<StoredLogin> {
  const who = name.includes("@") ? { email: name } : { username: name };
  const login = await send<Login>("POST", "/users/login", { ...who, password, device });
  return store.write(login, serverClock.aheadMs);
}

export interface NewAccount {
  username: string;
  password: string;
  displayName?: string;
  email?: string;
}

/** Make an account. Throws `Disconnected`, `Refused`. */
export function signUp(account: NewAccount, send: Send = sendByHttp): Promise<User> {
  return send<User>("POST", "/users", account);
}
