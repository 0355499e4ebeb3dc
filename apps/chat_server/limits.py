"""What the settings mean for the services: rates, lives and bounds."""

from dataclasses import replace
from datetime import timedelta

from chat_core.limits import Limit
from chat_core.passwords import PasswordRules
from chat_core.services.accounts import SignupPolicy
from chat_core.services.conversations import GroupLimits
from chat_core.services.login_attempts import LoginLimits
from chat_core.services.messaging import MessageLimits
from chat_core.sessions import RefreshLimits
from chat_server.settings import Settings

MINUTE, HOUR = 60, 3600
LOGIN_WINDOW = 15 * MINUTE
UNLIMITED = 10**9
"""The burst that `CHAT_RATE_LIMITS=off` allows."""


def rate(settings: Settings, name: str, burst: int, seconds: float) -> Limit:
    """A rate that holds unless rate limits are off."""
    return Limit(name, burst if settings.rate_limits else UNLIMITED, seconds)


def signups(settings: Settings) -> SignupPolicy:
    """Who may make an account."""
    limit = rate(settings, "signups per address", settings.signups_per_address, HOUR)
    return SignupPolicy(limit if settings.signups else None)


def password_rules(settings: Settings) -> PasswordRules:
    """Which new passwords are taken."""
    return PasswordRules(frozenset(settings.hosts))


def login_limits(settings: Settings) -> LoginLimits:
    """How often a log-in may fail."""
    return LoginLimits(
        rate(settings, "logins per account", settings.logins_per_account, LOGIN_WINDOW),
        rate(settings, "logins per address", settings.logins_per_address, MINUTE),
        rate(settings, "logins per account in total", settings.logins_per_account_total, HOUR),
    )


def request_limit(settings: Settings) -> Limit:
    """How many requests a user may make, of all kinds."""
    burst = settings.request_burst
    return rate(settings, "requests", burst, burst / settings.requests_per_second)


REQUESTS_READ = "requests read"
"""The pace of a connection's requests, by its name."""


def request_pace(settings: Settings) -> Limit:
    """How many requests are read of one connection: twice as many as a user may make, over time."""
    burst = settings.request_burst
    return rate(settings, REQUESTS_READ, burst, burst / (2 * settings.requests_per_second))


def anonymous_request_limit(settings: Settings) -> Limit:
    """How many requests without a good token an address may make."""
    return rate(settings, "requests per address", settings.requests_per_address, MINUTE)


def refused_poll_limit(settings: Settings) -> Limit:
    """How many requests for sockets of an address may be refused."""
    return rate(settings, "refused polls", settings.requests_per_address, MINUTE)


def connection_limit(settings: Settings) -> Limit:
    """How many sockets an address may open."""
    return rate(settings, "connections per address", settings.connections_per_address, MINUTE)


OPENED = "connections opened"
"""The pace at which an address opens connections, by its name."""
LEAST_OPENED, LEAST_OPENED_PER_SECOND = 200, 100
"""What an address may open at once, and in a second, however few sockets it may."""


def opening_pace(settings: Settings) -> Limit:
    """How fast an address opens connections, of whatever kind, that are read at once.

    Over time twice as many as it may open sockets, and a tenth of a minute's of those together; but
    that many at least, since pages and health checks open some, too.
    """
    a_minute = settings.connections_per_address
    burst = max(LEAST_OPENED, a_minute // 10)
    per_second = max(LEAST_OPENED_PER_SECOND, 2 * a_minute / MINUTE)
    return rate(settings, OPENED, burst, burst / per_second)


def token_life(settings: Settings) -> timedelta:
    """How long an access token is good."""
    return timedelta(seconds=settings.access_token_seconds)


def refresh_limits(settings: Settings) -> RefreshLimits:
    """How long a session lasts."""
    return RefreshLimits(
        timedelta(days=settings.refresh_idle_days), timedelta(days=settings.refresh_max_days)
    )


def message_rate(settings: Settings) -> Limit:
    """How many messages a user may send, and direct conversations open."""
    burst = settings.message_burst
    return rate(settings, "messages", burst, burst / settings.messages_per_second)


def typing_rate(settings: Settings) -> Limit:
    """How often a user may begin to type: as often as send."""
    return replace(message_rate(settings), name="typing")


def message_limits(settings: Settings) -> MessageLimits:
    """How long messages may be, and how many a user may send."""
    return MessageLimits(settings.message_bytes, message_rate(settings))


def group_limits(settings: Settings) -> GroupLimits:
    """How large groups may be, and how much a user may do to them."""
    return GroupLimits(
        settings.group_members,
        creations=rate(settings, "groups", settings.groups_per_hour, HOUR),
        additions=rate(settings, "members", settings.members_per_hour, HOUR),
        changes=rate(settings, "changes", settings.changes_per_minute, MINUTE),
    )


def profile_changes(settings: Settings) -> Limit:
    """How often a user may take another display name."""
    return rate(settings, "profile changes", settings.changes_per_minute, MINUTE)
