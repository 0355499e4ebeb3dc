"""The driver's errors that mean a problem of the environment, not a bug here."""

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import (
    ConnectionFailure,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)

from chat_core.errors import Unavailable

TEMPORARY = frozenset(
    {
        6,  # HostUnreachable
        7,  # HostNotFound
        24,  # LockTimeout
        43,  # CursorNotFound: its member is no longer primary
        50,  # MaxTimeMSExpired
        64,  # WriteConcernTimeout
        89,  # NetworkTimeout
        91,  # ShutdownInProgress
        112,  # WriteConflict
        134,  # ReadConcernMajorityNotAvailableYet
        189,  # PrimarySteppedDown
        202,  # NetworkInterfaceExceededTimeLimit
        216,  # ElectionInProgress
        239,  # SnapshotTooOld
        246,  # SnapshotUnavailable
        251,  # NoSuchTransaction
        262,  # ExceededTimeLimit
        9001,  # SocketException
        10107,  # NotWritablePrimary
        11600,  # InterruptedAtShutdown
        11602,  # InterruptedDueToReplStateChange
        13435,  # NotPrimaryNoSecondaryOk
        13436,  # NotPrimaryOrSecondary
        14031,  # OutOfDiskSpace
    }
)
"""Codes from the server's error table (`error_codes.yml` in its source)."""

NOT_COMMITTED = "TransientTransactionError"
"""The label of an error after which the transaction has certainly stored nothing."""

RETRY_AFTER = 1.0


NO_URL = (
    "is not a MongoDB URL; write mongodb://USER:PASSWORD@HOST/NAME, and percent-encode"
    " : / ? # [ ] @ % in the user and the password"
)
"""The driver's own message is not shown, because it may contain a part of the password."""


def is_temporary(error: PyMongoError) -> bool:
    """Return whether a retry may succeed."""
    if isinstance(error, ConnectionFailure | ExecutionTimeout | WriteConcernError):
        return True
    if error.timeout or error.has_error_label(NOT_COMMITTED):
        return True
    return isinstance(error, OperationFailure) and error.code in TEMPORARY


@contextmanager
def translated() -> Iterator[None]:
    """Turn temporary errors of the driver into `Unavailable`; leave others unchanged."""
    try:
        yield
    except PyMongoError as error:
        if not is_temporary(error):
            raise
        raise Unavailable(
            "The database is temporarily unavailable", retry_after=RETRY_AFTER
        ) from error
