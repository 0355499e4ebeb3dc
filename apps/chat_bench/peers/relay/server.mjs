// The least that a relay can do, to compare with: no accounts, no storage, no JSON.
//
// A connection opens the path /N, and is number N from then on. A frame of its begins with the
// number of its first recipient (uint32, big-endian), how many there are, one number after the
// other (uint32), and one of the sender's own choice (uint64). Each recipient gets the frame as it
// is; the sender gets back its 16 bytes alone, which is the ack.
//
// Settings: PORT (0: any that is free).

import { WebSocketServer } from "ws";

const HEADER_BYTES = 16;
const HOST = "127.0.0.1";
const connections = new Map();

const server = new WebSocketServer({
  host: HOST,
  port: Number(process.env.PORT ?? 5000),
  perMessageDeflate: false,
});

server.on("connection", (socket, request) => {
  const number = Number(request.url.slice(1));
  connections.set(number, socket);
  socket.on("message", (frame) => {
    const first = frame.readUInt32BE(0);
    const end = first + frame.readUInt32BE(4);
    for (let number = first; number < end; number++) connections.get(number)?.send(frame);
    socket.send(frame.subarray(0, HEADER_BYTES));
  });
  socket.on("close", () => {
    if (connections.get(number) === socket) connections.delete(number);
  });
});

server.on("listening", () => console.log(`serves at http://${HOST}:${server.address().port}`));
process.on("SIGTERM", () => process.exit(0));
