// A real Socket.IO client that a test drives over JSON lines: commands on stdin, replies and
// everything that the clients hear on stdout. tests/support/js_client.py is its other half.
//
//   {"id": 1, "op": "connect", "client": "a", "url": "http://…", "options": {…}}   see open()
//   {"id": 2, "op": "emit", "client": "a", "event": "send", "args": [], "ack": true, "timeoutMs": 5000}
//   {"id": 3, "op": "close", "client": "a"}     says goodbye
//   {"id": 4, "op": "kill", "client": "a"}      does not
//   {"id": 5, "op": "exit"}                     as the end of stdin
//
//   {"id": 1, "ok": true, "result": …}   or   {"id": 1, "ok": false, "error": {"message": …, "data": …}}
//   {"client": "a", "event": "news", "args": […]}, and for what the library itself tells:
//   $connect, $connect_error, $disconnect, $upgrade

import http from "node:http";
import https from "node:https";
import { Socket } from "node:net";
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const clients = new Map();

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

// A function among the arguments is the server's request for an ack; JSON has no word for it.
const heard = (client, event, args) =>
  say({ client, event, args: args.filter((arg) => typeof arg !== "function") });

const told = (error) => ({
  message: error.message,
  data: error.data ?? null,
  description: String(error.description?.message ?? error.description ?? ""),
});

class Refused extends Error {
  constructor(error) {
    super(error.message);
    this.told = told(error);
  }
}

// The TCP connections of one client, to be cut whatever runs on them. A client whose connection was
// cut would still send its goodbye over a new one (polling does), so cut() refuses those, too.
class Wire {
  #sockets = new Set();
  #cut = false;

  constructor(url) {
    this.agent = new (url.startsWith("https:") ? https : http).Agent();
    const createConnection = this.agent.createConnection;
    this.agent.createConnection = (...args) => {
      const socket = this.#cut ? new Socket() : createConnection.apply(this.agent, args);
      if (this.#cut) socket.destroy(new Error("the client was killed"));
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      return socket;
    };
  }

  cut() {
    this.#cut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  async closed() {
    // However they close: `once` of node:events would take a reset for a failure.
    await Promise.all([...this.#sockets].map((socket) => happens(socket, "close")));
  }
}

// `options` are those of `io()`. Answers at the first `connect` or `connect_error`.
function open({ client: name, url, options }) {
  if (clients.has(name)) throw new Error(`there is a client ${name} already`);
  const wire = new Wire(url);
  const socket = io(url, { ...options, forceNew: true, autoConnect: false, agent: wire.agent });
  clients.set(name, { socket, wire });

  socket.onAny((event, ...args) => heard(name, event, args));
  // The upgrade may come before the `connect` of the namespace.
  socket.io.on("open", () =>
    socket.io.engine.on("upgrade", (transport) => heard(name, "$upgrade", [transport.name])),
  );
  socket.on("connect", () =>
    heard(name, "$connect", [{ id: socket.id, transport: socket.io.engine.transport.name }]),
  );
  socket.on("connect_error", (error) => heard(name, "$connect_error", [told(error)]));
  socket.on("disconnect", (reason) => heard(name, "$disconnect", [reason]));

  return new Promise((resolve, reject) => {
    socket.once("connect", () => resolve({ id: socket.id }));
    socket.once("connect_error", (error) => reject(new Refused(error)));
    socket.connect();
  });
}

async function emit({ client, event, args, ack, timeoutMs }) {
  const { socket } = known(client);
  if (!ack) {
    socket.emit(event, ...args);
    return null;
  }
  return new Promise((resolve, reject) =>
    socket
      .timeout(timeoutMs)
      .emit(event, ...args, (error, ...acks) => (error ? reject(error) : resolve(acks))),
  );
}

async function close({ client }) {
  const { socket, wire } = known(client);
  const { engine } = socket.io;
  const open = engine.readyState !== "closed";
  socket.disconnect();
  if (engine.readyState !== "closed") await happens(engine, "close");
  if (engine.transport.name === "polling") {
    // The open poll ends when the server likes; what counts is that the goodbye beside it arrived.
    if (open && !engine.transport.writable) await happens(engine.transport, "drain", "error");
    wire.cut();
  }
  await wire.closed();
  return null;
}

function kill({ client }) {
  const { socket, wire } = known(client);
  socket.io.reconnection(false);
  wire.cut();
  return null;
}

function exit() {
  for (const { wire } of clients.values()) wire.cut();
  process.stdout.end(() => process.exit(0));
}

const happens = (emitter, ...events) =>
  new Promise((resolve) => events.forEach((event) => emitter.once(event, resolve)));

function known(name) {
  const client = clients.get(name);
  if (!client) throw new Error(`there is no client ${name}`);
  return client;
}

const operations = { connect: open, emit, close, kill, exit };

async function obey(line) {
  const command = JSON.parse(line);
  try {
    const result = await operations[command.op](command);
    if (command.op !== "exit") say({ id: command.id, ok: true, result });
  } catch (error) {
    say({ id: command.id, ok: false, error: error.told ?? told(error) });
  }
}

createInterface({ input: process.stdin }).on("line", obey).on("close", exit);
