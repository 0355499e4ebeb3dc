// What the original system did to its database, with the libraries that it did it with. On stdin:
//
//   {"url": "mongodb://…/test", "users": [{"username": …, "email": …, "password": …}],
//    "messages": [["alice", "bob", "the content"]]}
//
// Users that are there already are found by their name. On stdout, the ids of all users by name, and
// of the new messages in order:
//
//   {"users": {"alice": "…"}, "messages": ["…"]}

import bcrypt from "bcryptjs";
import mongoose from "mongoose";
import { text } from "node:stream/consumers";

const User = mongoose.model(
  "User",
  new mongoose.Schema(
    {
      username: { type: String, required: true, unique: true },
      email: { type: String, required: true, unique: true },
      password: { type: String, required: true },
    },
    { timestamps: true },
  ).pre("save", async function () {
    this.password = await bcrypt.hash(this.password, 4); // the original's 10 takes a tenth of a second
  }),
);

const reference = { type: mongoose.Schema.Types.ObjectId, ref: "User", required: true };
const Message = mongoose.model(
  "Message",
  new mongoose.Schema(
    { sender: reference, receiver: reference, content: { type: String, required: true } },
    { timestamps: true },
  ),
);

const { url, users, messages } = JSON.parse(await text(process.stdin));
await mongoose.connect(url);
await User.init(); // its indexes
for (const user of users) await User.create(user);
const ids = Object.fromEntries((await User.find()).map((user) => [user.username, user.id]));
const sent = [];
for (const [sender, receiver, content] of messages) {
  sent.push((await Message.create({ sender: ids[sender], receiver: ids[receiver], content })).id);
}
console.log(JSON.stringify({ users: ids, messages: sent }));
await mongoose.disconnect();
