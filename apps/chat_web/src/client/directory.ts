import type { Api } from "./api";
import type { ServerEvent, User } from "./wire";

/** How many ids one request may name. */
const AT_ONCE = 100;

/** Who is who: the users that the conversations name, and whether they are here. */
export class Directory {
  readonly users = new Map<string, User>();
  private readonly api: Api;
  private readonly changed: () => void;
  private readonly asked = new Set<string>();

  constructor(api: Api, changed: () => void) {
    this.api = api;
    this.changed = changed;
  }

  /** Have these users known, asking for those that are not. Throws `Disconnected`, `Refused`. */
  async want(ids: Iterable<string>): Promise<void> {
    const missing = [...new Set(ids)].filter((id) => !this.users.has(id) && !this.asked.has(id));
    for (const id of missing) this.asked.add(id);
    try {
      await this.load(missing);
    } finally {
      for (const id of missing) this.asked.delete(id);
    }
  }

  /** Ask for all of them once more: pushes were missed. Throws `Disconnected`, `Refused`. */
  renew(): Promise<void> {
    return this.load([...this.users.keys()]);
  }

  /** Take users that came with an answer. */
  take(users: Iterable<User>): void {
    for (const user of users) this.users.set(user.id, user);
    this.changed();
  }

  heard(pushed: ServerEvent): void {
    if (pushed.event === "user_updated") {
      this.take([pushed.data.user]);
    } else if (pushed.event === "presence_changed") {
      const { userId, online, lastSeenAt } = pushed.data;
      const user = this.users.get(userId);
      if (user === undefined) return;
      const devices = online ? Math.max(1, user.presence.devices) : 0;
      this.take([{ ...user, presence: { online, devices, lastSeenAt } }]);
    }
  }

  private async load(ids: readonly string[]): Promise<void> {
    for (let start = 0; start < ids.length; start += AT_ONCE) {
      this.take((await this.api.users(ids.slice(start, start + AT_ONCE))).items);
    }
  }
}
