"""The client on the page of the delivery promise and a server of a later version."""

import subprocess
from pathlib import Path

from tests.support import pages
from tests.support.js_client import JsUnavailableError, find_node
from tests.support.later_server import LATER
from tests.support.server import ServerProcess
from tests.support.services import missing

PAGE = pages.ROOT / "docs" / "delivery.md"
NODE_MODULES = pages.ROOT / "tests" / "js" / "node_modules"
SECONDS = 60

# What the page does with its client, done once more: with entries that the client does not know.
STORY = """
const users = {};
for (const username of ["dora", "emil"]) {
  await post("/users", { username, password: "correct horse" });
  users[username] = await post("/users/login", { username, password: "correct horse" });
}
const dora = new Client(users.dora.token);
const emil = new Client(users.emil.token);
let syncs = 0;
emil.socket.onAnyOutgoing((name) => (syncs += name === "sync"));
await Promise.all([dora.start(), emil.start()]);

async function edit(id, content) {
  await fetch(`${url}/api/v1/messages/${id}`, {
    method: "PATCH",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${users.dora.token}` },
    body: JSON.stringify({ content }),
  });
}

async function shows(conversationId, ...texts) {
  const shown = () => emil.conversations.has(conversationId) && emil.texts(conversationId).join();
  while (shown() !== texts.join()) await new Promise((resolve) => setTimeout(resolve, 10));
}

const { id, conversationId } = await dora.send(users.emil.user.id, "one");
await edit(id, "ONE"); // reactions_changed
await dora.call("typing", { conversationId, typing: true }); // preferences_changed
await dora.call("typing", { conversationId, typing: false }); // an event without a payload
await dora.send(users.emil.user.id, "two");
await shows(conversationId, "one", "two");
console.log(`${syncs} sync, place ${emil.conversations.get(conversationId).seq}`);

emil.socket.disconnect();
await edit(id, "One");
await dora.send(users.emil.user.id, "three");
await emil.start();
console.log(`${syncs} syncs, place ${emil.conversations.get(conversationId).seq}`);
await dora.send(users.emil.user.id, "four");
await shows(conversationId, "one", "two", "three", "four");
console.log(`${syncs} syncs, place ${emil.conversations.get(conversationId).seq}`);
dora.socket.close();
emil.socket.close();
"""


async def test_the_client_of_the_page_goes_on_after_what_it_does_not_know(tmp_path: Path) -> None:
    try:
        node = find_node()
    except JsUnavailableError as error:
        missing(str(error))
    if not NODE_MODULES.is_dir():
        missing("socket.io-client is not installed: run `make test`")
    (program,) = [block.text for block in pages.blocks(PAGE) if block.language == "js"]
    client, users, _ = program.partition("const users = {};")
    assert users
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    async with ServerProcess(tmp_path, LATER) as server:
        text = client.replace("http://localhost:5000", server.url) + STORY
        (tmp_path / "client.mjs").write_text(text)
        done = subprocess.run(  # noqa: ASYNC221 - nothing else runs here
            [node, tmp_path / "client.mjs"],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["1 sync, place 3", "2 syncs, place 5", "2 syncs, place 6"]
