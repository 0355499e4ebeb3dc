"""A command-line bot that answers commands in groups and direct conversations.

    CHAT_BOT_PASSWORD=… python bot.py --username robot --url http://localhost:5000

Create an account for it, add it to a group or write to it, and say `/help`. It stays connected
through restarts of the server. It also answers messages that were sent while it was away. The
server remembers how far the bot has read, so the bot needs no storage of its own.
"""

import argparse
import asyncio
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from chat_client import (
    ChatClient,
    ConversationState,
    Disconnected,
    PasswordChangeRequired,
    Refused,
)
from chat_client.socketio_wire import SocketIoWire

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 30.0


# --------------------------------------------------------------------------------------- commands
def reply_to(text: str, conversation: ConversationState) -> str | None:
    """Return the answer to a command; None if the text is not a command."""
    command, _, rest = text.strip().partition(" ")
    match command:
        case "/help":
            return "/echo TEXT: the text again\n/time: the time, in UTC\n/count: who said how much"
        case "/echo":
            return rest.strip() or "What should I echo?"
        case "/time":
            return f"{datetime.now(UTC):%H:%M} UTC"
        case "/count":
            counts: dict[str, int] = {}
            for message in conversation.history():
                counts[message["senderId"]] = counts.get(message["senderId"], 0) + 1
            return f"{sum(counts.values())} messages of {len(counts)} people, as far as I know"
    return f"I don't know {command}; try /help" if command.startswith("/") else None


# ---------------------------------------------------------------------------------------- account
class Account:
    """Logs in with the password once, and uses refresh tokens after that."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self._url = url
        self._credentials = {"username": username, "password": password, "device": "bot"}
        self._refresh_token: str | None = None

    async def token(self) -> str:
        """Return a fresh access token. Raises `HTTPError` if the server refuses, `URLError`."""
        if self._refresh_token is not None:
            try:
                return await self._ask("refresh", {"refreshToken": self._refresh_token})
            except HTTPError as refusal:
                if refusal.code != 401:  # noqa: PLR2004 - the session has ended
                    raise
        return await self._ask("login", self._credentials)

    async def _ask(self, call: str, body: Mapping[str, str]) -> str:
        answer = await asyncio.to_thread(self._post, call, body)
        self._refresh_token = answer["refreshToken"]
        return str(answer["token"])

    def _post(self, call: str, body: Mapping[str, str]) -> Any:  # noqa: ANN401
        request = Request(
            f"{self._url}/api/v1/users/{call}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urlopen(request, timeout=20) as answer:
            return json.load(answer)


# -------------------------------------------------------------------------------------------- bot
class Bot:
    """Stays connected, and answers every message that has no answer yet."""

    def __init__(self, url: str, account: Account) -> None:
        self._account = account
        self._client = ChatClient(SocketIoWire(url), on_event=lambda *_: self._news.set())
        self._news = asyncio.Event()
        self._user_id = ""
        self._seen: dict[str, int] = {}
        """For each conversation, the place up to which everything is answered."""

    async def run(self) -> None:
        """Run until cancelled.

        Raises `HTTPError` if the server refuses the password, and `PasswordChangeRequired` if it
        must be changed first.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._stay_connected())
            tasks.create_task(self._answer_for_ever())

    async def stop(self) -> None:
        """End the connection."""
        await self._client.stop()

    async def _stay_connected(self) -> None:
        wait = FIRST_WAIT_SECONDS
        while True:
            try:
                registered = await self._client.start(await self._account.token())
            except HTTPError as refusal:
                if refusal.code in {401, 403, 404}:  # trying again would not help
                    raise
                print(f"the server answers {refusal.code}", flush=True)
            except PasswordChangeRequired:
                raise
            except (URLError, TimeoutError, Disconnected, Refused) as error:
                print(f"not connected: {error}", flush=True)
            else:
                self._user_id = registered["userId"]
                self._news.set()
                print(f"connected as user {self._user_id}", flush=True)
                wait = FIRST_WAIT_SECONDS
                await self._client.ended()
                print("the connection has ended", flush=True)
            await asyncio.sleep(max(wait, self._client.reconnect_after))
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)

    async def _answer_for_ever(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            await self._client.caught_up()
            for conversation in list(self._client.state.conversations.values()):
                await self._answer(conversation)

    async def _answer(self, conversation: ConversationState) -> None:
        seen, last = self._seen.get(conversation.id, conversation.read_seq), conversation.seq
        if last <= seen:
            return
        for message in conversation.history():  # later messages get the next turn
            if message["seq"] <= seen or message["senderId"] == self._user_id:
                continue
            reply = reply_to(message["content"] or "", conversation)
            if reply is not None:
                await self._say(reply, conversation.id)
        self._seen[conversation.id] = last
        await self._mark_read(conversation.id, last)

    async def _say(self, text: str, conversation_id: str) -> None:
        try:
            # While the connection is down, this waits for the next one.
            await self._client.send(text, conversation_id=conversation_id)
        except Refused as refusal:
            print(f"could not answer: {refusal}", flush=True)

    async def _mark_read(self, conversation_id: str, seq: int) -> None:
        try:
            await self._client.mark_read(conversation_id, seq)
        except (Disconnected, Refused):
            return  # the next mark includes this one


async def main() -> None:
    parser = argparse.ArgumentParser(description="A chat bot that answers commands.")
    parser.add_argument("--url", default="http://localhost:5000", help="of the chat server")
    parser.add_argument("--username", required=True, help="of the bot's account")
    options = parser.parse_args()
    password = os.environ.get("CHAT_BOT_PASSWORD")
    if not password:
        parser.error("set CHAT_BOT_PASSWORD to the bot's password")
    bot = Bot(options.url, Account(options.url, options.username, password))
    try:
        await bot.run()
    except* PasswordChangeRequired as refusals:
        raise SystemExit(str(refusals.exceptions[0])) from None
    except* HTTPError as refusals:
        raise SystemExit(f"The server refuses the account: {refusals.exceptions[0]}") from None
    finally:
        await bot.stop()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        print("stopped")
