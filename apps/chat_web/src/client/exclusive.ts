/**
 * One at a time under a name, over all windows of this browser: refreshing tokens and sending the
 * queue must not overlap, or a refresh token is used twice and messages change places.
 *
 * The Web Locks that do this exist on secure pages only (HTTPS, or localhost). On a plain HTTP
 * page the name holds for this window alone.
 */
export function exclusive<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  if (globalThis.navigator?.locks !== undefined) {
    return navigator.locks.request(name, work) as Promise<Result>;
  }
  const before = queues.get(name) ?? Promise.resolve();
  const result = before.then(work);
  queues.set(name, result.then(ignored, ignored));
  return result;
}

const queues = new Map<string, Promise<void>>();

function ignored(): void {}
