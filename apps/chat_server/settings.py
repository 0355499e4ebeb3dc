"""All settings of the service."""

from typing import Annotated

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator

from chat_server.database_url import MemoryDatabase, mask_passwords
from chat_server.deployment import Deployment
from chat_server.hosts import is_loopback
from chat_server.settings_errors import SettingsError

__all__ = ["Settings", "SettingsError", "load_settings"]

_YEAR_SECONDS, _CENTURY_DAYS = 31_536_000, 36_500
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]
Seconds = Annotated[int, Field(ge=1, le=_YEAR_SECONDS)]
Days = Annotated[int, Field(ge=1, le=_CENTURY_DAYS)]


class Settings(Deployment):
    """Where and how the service runs, and every limit; valid together. See `load_settings`."""

    access_token_seconds: Seconds = Field(
        600, validation_alias="CHAT_ACCESS_TOKEN_SECONDS", description="an access token's life"
    )
    refresh_idle_days: Days = Field(
        14,
        validation_alias="CHAT_REFRESH_IDLE_DAYS",
        description="a session that is not used for so long ends",
    )
    refresh_max_days: Days = Field(
        30, validation_alias="CHAT_REFRESH_MAX_DAYS", description="so long a session may last"
    )
    connect_seconds: Seconds = Field(
        5,
        validation_alias="CHAT_CONNECT_SECONDS",
        description="for a connection to send CONNECT",
    )
    registration_seconds: Seconds = Field(
        10,
        validation_alias="CHAT_REGISTRATION_SECONDS",
        description="for a connection to register",
    )
    connections: Count = Field(
        10_000,
        validation_alias="CHAT_CONNECTIONS",
        description="live at one time, sockets or not",
    )
    connections_per_user: Count = Field(
        10, validation_alias="CHAT_CONNECTIONS_PER_USER", description="live at one time"
    )
    connections_per_address: Count = Field(
        3000,
        validation_alias="CHAT_CONNECTIONS_PER_ADDRESS",
        description="open at one time, sockets or not, and sockets opened in a minute",
    )
    message_bytes: Count = Field(
        4096, validation_alias="CHAT_MESSAGE_BYTES", description="of a message's content"
    )
    frame_bytes: Count = Field(
        65_536,
        validation_alias="CHAT_FRAME_BYTES",
        description="of a socket frame or an HTTP body that a client sends",
    )
    outbound_packets: Count = Field(
        256,
        validation_alias="CHAT_OUTBOUND_PACKETS",
        description="that a connection did not take yet; past it the connection is closed",
    )
    outbound_bytes: Count = Field(
        1_048_576, validation_alias="CHAT_OUTBOUND_BYTES", description="the same, in bytes"
    )
    outbound_total_bytes: Count = Field(
        33_554_432,
        validation_alias="CHAT_OUTBOUND_TOTAL_BYTES",
        description="of all connections together; past it those with the most are closed",
    )
    messages_per_second: Count = Field(
        10, validation_alias="CHAT_MESSAGES_PER_SECOND", description="per user"
    )
    message_burst: Count = Field(
        20, validation_alias="CHAT_MESSAGE_BURST", description="messages at once, per user"
    )
    events_per_second: Count = Field(
        50, validation_alias="CHAT_EVENTS_PER_SECOND", description="of all kinds, per connection"
    )
    requests_per_second: Count = Field(
        50,
        validation_alias="CHAT_REQUESTS_PER_SECOND",
        description="of all kinds over HTTP, per user",
    )
    request_burst: Count = Field(
        500, validation_alias="CHAT_REQUEST_BURST", description="requests at once, per user"
    )
    requests_at_once: Count = Field(
        8,
        validation_alias="CHAT_REQUESTS_AT_ONCE",
        description="lists, histories, searches and syncs of a user at one time",
    )
    requests_per_address: Count = Field(
        1200,
        validation_alias="CHAT_REQUESTS_PER_ADDRESS",
        description="in a minute over HTTP, without a good token",
    )
    logins_per_account: Count = Field(
        5,
        validation_alias="CHAT_LOGINS_PER_ACCOUNT",
        description="that may fail in 15 minutes, per account and address",
    )
    logins_per_account_total: Count = Field(
        50,
        validation_alias="CHAT_LOGINS_PER_ACCOUNT_TOTAL",
        description="that may fail in an hour, per account, from all unknown addresses together",
    )
    logins_per_address: Count = Field(
        30,
        validation_alias="CHAT_LOGINS_PER_ADDRESS",
        description="that may fail in a minute, per address",
    )
    sessions_per_user: Count = Field(
        50,
        validation_alias="CHAT_SESSIONS_PER_USER",
        description="at one time; a log-in past it ends the session seen longest ago",
    )
    signups_per_address: Count = Field(
        10, validation_alias="CHAT_SIGNUPS_PER_ADDRESS", description="in an hour"
    )
    group_members: Count = Field(
        256, validation_alias="CHAT_GROUP_MEMBERS", description="in one group"
    )
    groups_per_hour: Count = Field(
        30, validation_alias="CHAT_GROUPS_PER_HOUR", description="that a user may make"
    )
    members_per_hour: Count = Field(
        500,
        validation_alias="CHAT_MEMBERS_PER_HOUR",
        description="that a user may put into groups",
    )
    changes_per_minute: Count = Field(
        30,
        validation_alias="CHAT_CHANGES_PER_MINUTE",
        description="of groups, and of the display name, per user",
    )
    trusted_proxies: int = Field(
        0,
        validation_alias="CHAT_TRUSTED_PROXIES",
        ge=0,
        le=100,
        description="how many hops of X-Forwarded-For to believe",
    )

    @field_validator("frame_bytes")
    @classmethod
    def _a_message_fits(cls, value: int, info: ValidationInfo) -> int:
        if value <= info.data.get("message_bytes", 0):
            raise ValueError("must be more than CHAT_MESSAGE_BYTES, or long messages can't be sent")
        return value

    def describe(self) -> dict[str, str | int | None]:
        """Each variable and its value, secrets masked; None where it is not set.

        `CHAT_ENV` is what holds, whichever of the two variables said so.
        """
        values = {
            variable: _shown(getattr(self, field))
            for field, variable in variables_by_field().items()
        }
        return values | {"CHAT_ENV": "production" if self.production else "development"}

    def warnings(self) -> list[str]:
        """Sentences to tell at start: what is allowed and may surprise."""
        found = []
        if isinstance(self.database, MemoryDatabase):
            found.append("DATABASE_URL is memory://: everything is lost when the service stops")
        if not self.rate_limits:
            found.append("CHAT_RATE_LIMITS is off: passwords can be guessed without a limit")
        if not self.production and not is_loopback(self.host):
            found.append(
                f"CHAT_ENV is not production, and HOST={self.host} lets others in: errors show"
                " the inside of the program, and pages of any localhost origin may use the service"
            )
        return found


def load_settings(**overrides: str | int | None) -> Settings:
    """The settings of the environment; an override, by a variable's name, comes before it.

    Raises `SettingsError` with all that is wrong, at once.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]  # texts that Pydantic parses
    except ValidationError as error:
        raise SettingsError.of(error, variables_by_field()) from None
    except UnicodeDecodeError as error:
        raise SettingsError([".env: is no UTF-8 text"]) from error
    except OSError as error:
        raise SettingsError([f".env: can't be read ({error.strerror})"]) from error


def variables_by_field() -> dict[str, str]:
    """The name by which each setting is known, in their order."""
    fields = Settings.model_fields.items()
    return {name: str(field.validation_alias) for name, field in fields if not field.exclude}


def _shown(value: object) -> str | int | None:
    match value:
        case None | ():
            return None
        case SecretStr():
            return "***"
        case bool():
            return "on" if value else "off"
        case int():
            return value
        case tuple():
            return ",".join(value)
        case _:
            return mask_passwords(str(value))
