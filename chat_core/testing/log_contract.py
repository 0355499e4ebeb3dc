"""Contract tests for all parts of `ConversationLog`."""

from chat_core.testing.log_changes_contract import LogChangesContract
from chat_core.testing.log_follower_contract import LogFollowerContract
from chat_core.testing.log_groups_contract import LogGroupsContract
from chat_core.testing.log_messages_contract import LogMessagesContract
from chat_core.testing.log_repeats_contract import LogRepeatsContract
from chat_core.testing.log_revisions_contract import LogRevisionsContract


class ConversationLogContract(
    LogMessagesContract,
    LogRepeatsContract,
    LogRevisionsContract,
    LogGroupsContract,
    LogChangesContract,
    LogFollowerContract,
):
    """Tests that every `ConversationLog` must pass.

    Subclass it, and give it the fixtures `log`, `conversations`, `reader`, `receipts` and `users`:
    a `ConversationLog`, a `ConversationStore`, a `LogReader`, a `ReceiptStore` and a `UserStore`
    of the same backend.
    """
