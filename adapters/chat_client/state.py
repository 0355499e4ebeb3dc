"""A client's state, with one reducer for both pushes and `sync`.

This module has no I/O and no clock. Pass every push to `ChatState.push`, and every conversation of
a `sync` answer to `ChatState.synced`; their results say what to request next.
"""

from dataclasses import dataclass, field

from chat_client.wire import Json


@dataclass(slots=True)
class ConversationState:
    """The state of one conversation, complete for the places after `base` up to `seq`.

    `messages` maps ids to the newest known copies. `members` maps user ids to roles, as far as the
    received entries mention them.
    """

    id: str
    base: int = 0
    seq: int = 0
    title: str | None = None
    members: dict[str, str] = field(default_factory=dict)
    messages: dict[str, Json] = field(default_factory=dict)
    read_seq: int = 0
    unread_count: int = 0
    receipts: dict[str, tuple[int, int]] = field(default_factory=dict)
    typing: set[str] = field(default_factory=set)

    def history(self) -> list[Json]:
        """Return the known messages in the order of their places."""
        known = (message for message in self.messages.values() if message["seq"] > self.base)
        return sorted(known, key=lambda message: int(message["seq"]))

    def apply(self, event: str, data: Json, seq: int) -> None:
        """Apply the entry at `seq`, the next place. An unknown event only advances the place."""
        match event:
            case "new_message":
                self._keep(data)
                self.typing.discard(data["senderId"])
            case "message_updated":
                self._keep(data["message"])
            case "conversation_updated":
                self._change(data, seq)
        self.seq = seq

    def _keep(self, message: Json) -> None:
        known = self.messages.get(message["id"])
        if known is None or message["updatedSeq"] >= known["updatedSeq"]:
            self.messages[message["id"]] = message

    def _change(self, data: Json, seq: int) -> None:
        match data["change"]:
            case "created":
                self.title = data["title"]
                self.members = {each["userId"]: each["role"] for each in data["members"]}
            case "member_added" | "role_changed":
                self.members[data["userId"]] = data["role"]
            case "member_removed":
                self.members.pop(data["userId"], None)
            case "title_changed":
                self.title = data["title"]
            case "member_deleted":
                self.members.pop(data["userId"], None)
                self._blank(data["userId"], seq)

    def _blank(self, user_id: str, seq: int) -> None:
        for message_id, message in self.messages.items():
            is_theirs = message["senderId"] == user_id and message["seq"] <= seq
            if is_theirs and message["deletedAt"] is None:
                self.messages[message_id] = {**message, "content": None, "updatedSeq": seq}


@dataclass(slots=True)
class ChatState:
    """All conversations that a client has seen, by id, and the users who are online."""

    conversations: dict[str, ConversationState] = field(default_factory=dict)
    online: dict[str, bool] = field(default_factory=dict)

    def push(self, event: str, data: Json) -> str | None:
        """Apply a push. Return the id of a conversation with missing entries, or None.

        A known push changes nothing. A push that arrives too early is dropped, because `sync`
        fetches it again. A push of an unknown conversation requires a `sync` of everything.

        A push with `conversationId` and `seq` is an entry of that log, whatever its name. Other
        pushes with unknown names are ignored.
        """
        conversation_id, seq = data.get("conversationId"), data.get("seq")
        if isinstance(conversation_id, str) and isinstance(seq, int):
            return self._entry(conversation_id, seq, event, data)
        match event:
            case "receipt":
                state = self.conversations.get(data["conversationId"])
                if state is not None:
                    _raise_receipt(state, data)
            case "typing":
                state = self.conversations.get(data["conversationId"])
                if state is not None:
                    (state.typing.add if data["typing"] else state.typing.discard)(data["userId"])
            case "presence_changed":
                self.online[data["userId"]] = data["online"]
        return None

    def seqs(self) -> dict[str, int]:
        """Return the places to send in a `sync` request, by conversation id."""
        return {state.id: state.seq for state in self.conversations.values()}

    def synced(self, part: Json) -> bool:
        """Apply one conversation of a `sync` answer; return whether it has more entries."""
        conversation_id, entries = part["conversationId"], part["entries"]
        state = self.conversations.get(conversation_id)
        if part["reset"] or state is None:
            if not part["lastSeq"] and part["reset"]:
                self.conversations.pop(conversation_id, None)
                return False
            base = entries[0]["seq"] - 1 if entries else part["lastSeq"]
            state = ConversationState(conversation_id, base=base, seq=base)
            self.conversations[conversation_id] = state
        for entry in entries:
            if entry["seq"] == state.seq + 1:
                state.apply(entry["event"], entry["data"], entry["seq"])
        state.read_seq = max(state.read_seq, part["readSeq"])
        state.unread_count = part["unreadCount"]
        for receipt in part["receipts"]:
            _raise_receipt(state, receipt)
        return bool(part["hasMore"]) or state.seq < part["lastSeq"]

    def _entry(self, conversation_id: str, seq: int, event: str, data: Json) -> str | None:
        state = self.conversations.get(conversation_id)
        if state is None:
            if seq != 1:
                return conversation_id
            state = self.conversations[conversation_id] = ConversationState(conversation_id)
        if seq <= state.seq:
            return None
        if seq > state.seq + 1:
            return conversation_id
        state.apply(event, data, seq)
        return None


def _raise_receipt(state: ConversationState, data: Json) -> None:
    delivered, read = state.receipts.get(data["userId"], (0, 0))
    state.receipts[data["userId"]] = (
        max(delivered, data["deliveredSeq"]),
        max(read, data["readSeq"]),
    )
