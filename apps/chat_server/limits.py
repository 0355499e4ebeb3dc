"""Rates, lifetimes and limits that the services get from the settings."""

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
"""Burst of every rate limit if `CHAT_RATE_LIMITS` is off."""


def rate(settings: Settings, name: str, burst: int, seconds: float) -> Limit:
    """Return a rate limit, which is practically unlimited if rate limits are off."""
    return Limit(name, burst if settings.rate_limits else UNLIMITED, seconds)


def signups(settings: Settings) -> SignupPolicy:
    """Return whether people can create accounts, and how many per address."""
    limit = rate(settings, "signups per address", settings.signups_per_address, HOUR)
    return SignupPolicy(limit if settings.signups else None)


def password_rules(settings: Settings) -> PasswordRules:
    """Return the rules for new passwords."""
    return PasswordRules(frozenset(settings.hosts))


def login_limits(settings: Settings) -> LoginLimits:
    """Return the limits on failed log-ins."""
    return LoginLimits(
        rate(settings, "logins per account", settings.logins_per_account, LOGIN_WINDOW),
        rate(settings, "logins per address", settings.logins_per_address, MINUTE),
        rate(settings, "logins per account in total", settings.logins_per_account_total, HOUR),
    )


def request_limit(settings: Settings) -> Limit:
    """Return the limit on all HTTP requests of a user."""
    burst = settings.request_burst
    return rate(settings, "requests", burst, burst / settings.requests_per_second)


REQUESTS_READ = "requests read"
"""Name of the pace at which a connection's requests are read."""


def request_pace(settings: Settings) -> Limit:
    """Return how fast requests are read from one connection: twice a user's rate over time."""
    burst = settings.request_burst
    return rate(settings, REQUESTS_READ, burst, burst / (2 * settings.requests_per_second))


def anonymous_request_limit(settings: Settings) -> Limit:
    """Return the limit on an address's requests without a valid token."""
    return rate(settings, "requests per address", settings.requests_per_address, MINUTE)


def refused_poll_limit(settings: Settings) -> Limit:
    """Return the limit on an address's refused socket requests."""
    return rate(settings, "refused polls", settings.requests_per_address, MINUTE)


def connection_limit(settings: Settings) -> Limit:
    """Return the limit on new sockets of an address."""
    return rate(settings, "connections per address", settings.connections_per_address, MINUTE)


OPENED = "connections opened"
"""Name of the pace at which an address opens connections."""
LEAST_OPENED, LEAST_OPENED_PER_SECOND = 200, 100
"""Minimum burst, and minimum per second, of the connections that an address opens."""


def opening_pace(settings: Settings) -> Limit:
    """Return how fast an address can open connections that are read at once.

    Over time this is twice its rate of new sockets, with a burst of a tenth of the sockets per
    minute. The rate and the burst have a minimum, because pages and health checks open connections
    too.
    """
    a_minute = settings.connections_per_address
    burst = max(LEAST_OPENED, a_minute // 10)
    per_second = max(LEAST_OPENED_PER_SECOND, 2 * a_minute / MINUTE)
    return rate(settings, OPENED, burst, burst / per_second)


def token_life(settings: Settings) -> timedelta:
    """Return the lifetime of an access token."""
    return timedelta(seconds=settings.access_token_seconds)


def refresh_limits(settings: Settings) -> RefreshLimits:
    """Return how long a session lasts without use, and at most."""
    return RefreshLimits(
        timedelta(days=settings.refresh_idle_days), timedelta(days=settings.refresh_max_days)
    )


def message_rate(settings: Settings) -> Limit:
    """Return the limit on messages that a user sends and direct conversations that they open."""
    burst = settings.message_burst
    return rate(settings, "messages", burst, burst / settings.messages_per_second)


def typing_rate(settings: Settings) -> Limit:
    """Return the limit on a user's typing events, which equals that on messages."""
    return replace(message_rate(settings), name="typing")


def message_limits(settings: Settings) -> MessageLimits:
    """Return the maximum size of a message, and the rate of a user's messages."""
    return MessageLimits(settings.message_bytes, message_rate(settings))


def group_limits(settings: Settings) -> GroupLimits:
    """Return the maximum size of a group, and the rates of a user's changes to groups."""
    return GroupLimits(
        settings.group_members,
        creations=rate(settings, "groups", settings.groups_per_hour, HOUR),
        additions=rate(settings, "members", settings.members_per_hour, HOUR),
        changes=rate(settings, "changes", settings.changes_per_minute, MINUTE),
    )


def profile_changes(settings: Settings) -> Limit:
    """Return the limit on changes of the display name."""
    return rate(settings, "profile changes", settings.changes_per_minute, MINUTE)
