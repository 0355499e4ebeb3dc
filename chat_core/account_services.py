"""The composition of accounts with passwords, for a product without its own accounts."""

from dataclasses import dataclass, field
from datetime import timedelta

from chat_core.chat import Chat
from chat_core.limits import Limit
from chat_core.memory.security import RecordingSecurityEvents
from chat_core.passwords import PasswordRules
from chat_core.ports.notifications import Connections
from chat_core.ports.security import PasswordHasher, SecurityEvents, TokenIssuer, TokenVerifier
from chat_core.ports.storage import SessionStore, UserStore
from chat_core.services.accounts import Accounts, SignupPolicy
from chat_core.services.erasure import Erasure
from chat_core.services.fair_queue import FairQueue
from chat_core.services.login_attempts import PASSWORDS_AT_ONCE, LoginLimits
from chat_core.services.revocation import Revocations
from chat_core.services.sessions import Sessions
from chat_core.sessions import RefreshLimits


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """Limits of accounts and sessions; the defaults are those of the service (docs/settings.md).

    `token_life` must equal that of the token issuer.
    """

    signups: SignupPolicy = field(
        default_factory=lambda: SignupPolicy(Limit("signups per address", burst=10, seconds=3600))
    )
    logins: LoginLimits = field(
        default_factory=lambda: LoginLimits(
            per_account=Limit("logins per account", burst=5, seconds=900),
            per_address=Limit("logins per address", burst=30, seconds=60),
            per_account_total=Limit("logins per account in total", burst=50, seconds=3600),
        )
    )
    lasting: RefreshLimits = field(
        default_factory=lambda: RefreshLimits(idle=timedelta(days=14), total=timedelta(days=30))
    )
    token_life: timedelta = timedelta(minutes=10)
    sessions_per_user: int = 50
    passwords: PasswordRules = field(default_factory=PasswordRules)
    profile_changes: Limit = field(
        default_factory=lambda: Limit("profile changes", burst=30, seconds=60)
    )


DEFAULT_LIMITS = AccountLimits()


@dataclass(frozen=True, slots=True)
class AccountServices:
    """Sign up, log in, stay logged in, and delete the account. See `compose`."""

    accounts: Accounts
    sessions: Sessions
    revocations: Revocations
    """Call `load` before the first request, and keep `run` running: see `Revocations`."""
    erasure: Erasure

    @classmethod
    def compose(  # noqa: PLR0913 - accounts need all of these
        cls,
        chat: Chat,
        *,
        users: UserStore,
        sessions: SessionStore,
        connections: Connections,
        hasher: PasswordHasher,
        issuer: TokenIssuer,
        verifier: TokenVerifier,
        limits: AccountLimits = DEFAULT_LIMITS,
        security_events: SecurityEvents | None = None,
    ) -> "AccountServices":
        """Return the services for the accounts in `users`, who are the users of that chat.

        `connections` are the live ones of the chat. Those of a session close when it ends. Without
        `security_events` the latest events are kept in memory.
        """
        events = RecordingSecurityEvents() if security_events is None else security_events
        revocations = Revocations(
            sessions, users, connections, chat.clock, limits.token_life, events
        )
        composed = Sessions(
            sessions=sessions,
            users=users,
            revocations=revocations,
            connections=connections,
            hasher=hasher,
            issuer=issuer,
            verifier=verifier,
            limiter=chat.limiter,
            reads=chat.reads,
            queue=FairQueue(chat.clock, PASSWORDS_AT_ONCE),
            clock=chat.clock,
            ids=chat.ids,
            security_events=events,
            limits=limits.logins,
            lasting=limits.lasting,
            per_user=limits.sessions_per_user,
            passwords=limits.passwords,
        )
        return cls(
            accounts=Accounts(
                users=users,
                reads=chat.reads,
                hasher=hasher,
                limiter=chat.limiter,
                presence=chat.presence,
                clock=chat.clock,
                ids=chat.ids,
                signups=limits.signups,
                passwords=limits.passwords,
                sessions=composed,
                security_events=events,
                changes=limits.profile_changes,
            ),
            sessions=composed,
            revocations=revocations,
            erasure=Erasure(
                users=users,
                conversations=chat.stores.conversations,
                log=chat.log,
                blocks=chat.stores.blocks,
                stored_sessions=sessions,
                sessions=composed,
                presence=chat.presence,
                notifier=chat.notifier,
                clock=chat.clock,
                security_events=events,
            ),
        )
