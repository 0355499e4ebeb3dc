"""The log of every conversation: its rules as pure functions, and the loop that commits.

`Log` is the one writer of conversations. It judges drafts (`drafts`) on the heads of their logs
(`heads`), makes writes of them (`writes`), and hands those to a `LogStore` in groups. `shown` is
what readers are shown of a message.
"""

from chat_core.log.log import Log

__all__ = ["Log"]
