import { io, type Socket } from "socket.io-client";
import type { Pushed } from "./decoding";
import { Disconnected, Refused } from "./errors";
import type { ClientEvents, Problem } from "./wire";

/** Who hears of what happens to a link. */
export interface LinkListener {
  /** A connection stands; it is not registered yet. */
  connected(): void;
  heard(pushed: Pushed): void;
  /** The connection is gone, or could not be made; the link tries again by itself. */
  lost(): void;
}

/** One connection at a time to the server, which comes back by itself. */
export interface Link {
  readonly isConnected: boolean;
  open(listener: LinkListener): void;
  /** Send an event and wait for its ack. Throws `Disconnected`, `Refused`. */
  call<Event extends keyof ClientEvents>(
    event: Event,
    payload: ClientEvents[Event]["payload"],
    seconds?: number,
  ): Promise<ClientEvents[Event]["ack"]>;
  /** Give up this connection and make another, after so many milliseconds. */
  reconnect(afterMs?: number): void;
  close(): void;
}

const ACK_SECONDS = 15;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5_000;

/** The link over Socket.IO, by the official client. */
export class SocketLink implements Link {
  private socket: Socket | null = null;
  private retry: ReturnType<typeof setTimeout> | undefined;

  get isConnected(): boolean {
    return this.socket?.connected ?? false;
  }

  open(listener: LinkListener): void {
    this.close();
    // By websocket at once, and by polling where something in between takes no websockets.
    const socket = io({
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      reconnectionDelay: FIRST_RETRY_MS,
      reconnectionDelayMax: LONGEST_RETRY_MS,
    });
    this.socket = socket;
    socket.on("connect", () => listener.connected());
    socket.onAny((event: string, data: unknown) => listener.heard({ event, data }));
    socket.on("connect_error", () => {
      listener.lost();
      // `active` tells that the library tries again; it does not after a refused handshake.
      if (!socket.active) this.reconnect(LONGEST_RETRY_MS);
    });
    socket.on("disconnect", () => {
      listener.lost();
      // Nor where the server ended the connection.
      if (!socket.active && this.retry === undefined) this.reconnect(FIRST_RETRY_MS);
    });
  }

  async call<Event extends keyof ClientEvents>(
    event: Event,
    payload: ClientEvents[Event]["payload"],
    seconds = ACK_SECONDS,
  ): Promise<ClientEvents[Event]["ack"]> {
    const socket = this.socket;
    // The library would keep it, and send it before the next connection is registered.
    if (socket === null || !socket.connected) throw new Disconnected();
    const ack = await this.acked(socket, event, payload, seconds);
    if (!ack.ok) throw new Refused(ack.error);
    return ack as ClientEvents[Event]["ack"];
  }

  reconnect(afterMs = 0): void {
    const socket = this.socket;
    if (socket === null) return;
    clearTimeout(this.retry);
    this.retry = setTimeout(() => {
      this.retry = undefined;
      socket.connect();
    }, afterMs);
    socket.disconnect();
  }

  close(): void {
    clearTimeout(this.retry);
    this.retry = undefined;
    this.socket?.off().offAny();
    this.socket?.disconnect();
    this.socket = null;
  }

  private async acked(
    socket: Socket,
    event: string,
    payload: object,
    seconds: number,
  ): Promise<Ack> {
    try {
      return await socket.timeout(seconds * 1000).emitWithAck(event, payload);
    } catch {
      // No answer in time: the connection may be dead without knowing it.
      if (socket.connected) this.reconnect();
      throw new Disconnected();
    }
  }
}

type Ack = { ok: true } | { ok: false; error: Problem };
