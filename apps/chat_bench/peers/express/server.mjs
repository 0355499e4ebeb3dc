// A chat server as it is usually written on Express, Socket.IO and Mongoose, to compare with.
//
// Settings: PORT (0: any that is free), DATABASE_URL, JWT_SECRET, NODE_ENV. TUNED=1 makes a key of
// the secret once: given a text, jsonwebtoken makes one for each token that it verifies.
//
// `send_message` with an ack is an addition, so that sending over a socket can be compared too.

import { createSecretKey } from "node:crypto";
import { createServer } from "node:http";

import bcrypt from "bcryptjs";
import express from "express";
import jwt from "jsonwebtoken";
import mongoose from "mongoose";
import { Server } from "socket.io";

const { PORT = "5000", DATABASE_URL, JWT_SECRET, TUNED } = process.env;
const HOST = "127.0.0.1";
const BCRYPT_ROUNDS = 10;

const secret = TUNED === "1" ? createSecretKey(Buffer.from(JWT_SECRET)) : JWT_SECRET;

// What chat-core promises of an answer, asked of this one too: a majority has it, in its journal.
const durable = { writeConcern: { w: "majority", j: true } };

const User = mongoose.model(
  "User",
  new mongoose.Schema(
    {
      username: { type: String, required: true, unique: true },
      password: { type: String, required: true },
    },
    { timestamps: true, ...durable },
  ),
);

const messageSchema = new mongoose.Schema(
  {
    sender: { type: mongoose.Schema.Types.ObjectId, ref: "User", required: true },
    recipient: { type: mongoose.Schema.Types.ObjectId, ref: "User", required: true },
    content: { type: String, required: true },
  },
  { timestamps: true, ...durable },
);
messageSchema.index({ sender: 1, recipient: 1, createdAt: 1 });
const Message = mongoose.model("Message", messageSchema);

const app = express();
const server = createServer(app);
const io = new Server(server);

app.use(express.json());

app.post("/api/users/register", async (request, response) => {
  const { username, password } = request.body;
  if (await User.exists({ username })) {
    response.status(400).json({ message: "User already exists" });
    return;
  }
  const user = await User.create({ username, password: await bcrypt.hash(password, BCRYPT_ROUNDS) });
  response.status(201).json({ id: user.id, username });
});

app.post("/api/users/login", async (request, response) => {
  const { username, password } = request.body;
  const user = await User.findOne({ username });
  if (!user || !(await bcrypt.compare(password, user.password))) {
    response.status(401).json({ message: "Invalid credentials" });
    return;
  }
  const token = jwt.sign({ userId: user.id }, secret, { expiresIn: "1h" });
  response.json({ token, user: { id: user.id, username } });
});

function authenticated(request, response, next) {
  const token = request.headers.authorization?.split(" ")[1];
  try {
    request.userId = jwt.verify(token, secret, { algorithms: ["HS256"] }).userId;
  } catch {
    response.status(401).json({ message: "Invalid token" });
    return;
  }
  next();
}

async function send(sender, { recipientId, content }) {
  const message = await Message.create({ sender, recipient: recipientId, content });
  io.to(`user:${recipientId}`).emit("new_message", message);
  return message;
}

app.post("/messages", authenticated, async (request, response) => {
  response.status(201).json(await send(request.userId, request.body));
});

io.on("connection", (socket) => {
  socket.on("register_user", ({ token }) => {
    try {
      socket.data.userId = jwt.verify(token, secret, { algorithms: ["HS256"] }).userId;
    } catch {
      socket.emit("auth_error", { message: "Invalid token" });
      return;
    }
    socket.join(`user:${socket.data.userId}`);
    socket.emit("registration_success", { userId: socket.data.userId });
  });

  socket.on("send_message", async (payload, ack) => {
    if (!socket.data.userId) {
      ack({ ok: false, error: { code: "unauthenticated" } });
      return;
    }
    ack({ ok: true, message: await send(socket.data.userId, payload) });
  });
});

await mongoose.connect(DATABASE_URL);
await Promise.all([User.init(), Message.init()]);
server.listen(Number(PORT), HOST, () => console.log(`serves at http://${HOST}:${server.address().port}`));
process.on("SIGTERM", () => process.exit(0));
