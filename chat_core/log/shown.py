"""The part of a message that a reader of the log sees."""

from dataclasses import replace

from chat_core.messages import Message


def shown_at(message: Message, seq: int, until: int) -> Message:
    """Return the message as it is now, for a reader of the log up to `until`.

    If it has changed after `until`, show it as of the entry at `seq`, without content and times.
    """
    if message.updated_seq <= until:
        return message
    return replace(message, updated_seq=seq, body=None, edited_at=None, deleted_at=None)
