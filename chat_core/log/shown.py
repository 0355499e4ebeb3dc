"""What readers are shown of a message at an entry of its log."""

from dataclasses import replace

from chat_core.messages import Message


def shown_at(message: Message, seq: int, until: int) -> Message:
    """The message as it is now, to someone who may read the log up to `until`.

    Where it has changed since then, without its content and times: as of the entry at `seq`.
    """
    if message.updated_seq <= until:
        return message
    return replace(message, updated_seq=seq, body=None, edited_at=None, deleted_at=None)
