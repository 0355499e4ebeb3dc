"""Identifiers that sort by creation time, so that database indexes grow at one end."""

import uuid_utils

from chat_core.ports.system import IdGenerator


class TimeOrderedIds(IdGenerator):
    """Generates UUIDs of version 7 (RFC 9562) as 32 hexadecimal digits."""

    def new_id(self) -> str:
        """See `IdGenerator.new_id`."""
        return uuid_utils.uuid7().hex
