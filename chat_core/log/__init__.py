"""The log of each conversation: its rules as pure functions, and the loop that commits.

`Log` is the only writer of conversations. It checks drafts (`drafts`) against the heads of their
logs (`heads`), turns them into writes (`writes`), and commits these to a `LogStore` in groups.
`shown` decides what readers see of a message.
"""

from chat_core.log.log import Log

__all__ = ["Log"]
