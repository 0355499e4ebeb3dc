"""Identifiers that sort by the time of their making, so that indexes grow at one end."""

import uuid_utils

from chat_core.ports.system import IdGenerator


class TimeOrderedIds(IdGenerator):
    """UUIDs of version 7 (RFC 9562), 32 hexadecimal digits."""

    def new_id(self) -> str:
        """See `IdGenerator.new_id`."""
        return uuid_utils.uuid7().hex
