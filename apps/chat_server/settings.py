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
    """Every setting of the service, validated together. See `load_settings`."""

    access_token_seconds: Seconds = Field(
        600, validation_alias="CHAT_ACCESS_TOKEN_SECONDS", description="lifetime of an access token"
    )
    refresh_idle_days: Days = Field(
        14,
        validation_alias="CHAT_REFRESH_IDLE_DAYS",
        description="a session ends after this many days without use",
    )
    refresh_max_days: Days = Field(
        30,
        validation_alias="CHAT_REFRESH_MAX_DAYS",
        description="a session lasts at most this many days",
    )
    connect_seconds: Seconds = Field(
        5,
        validation_alias="CHAT_CONNECT_SECONDS",
        description="time a connection has to send CONNECT",
    )
    registration_seconds: Seconds = Field(
        10,
        validation_alias="CHAT_REGISTRATION_SECONDS",
        description="time a connection has to register",
    )
    connections: Count = Field(
        10_000,
        validation_alias="CHAT_CONNECTIONS",
        description="open connections, sockets and HTTP together",
    )
    connections_per_user: Count = Field(
        10,
        validation_alias="CHAT_CONNECTIONS_PER_USER",
        description="registered connections of one user",
    )
    connections_per_address: Count = Field(
        3000,
        validation_alias="CHAT_CONNECTIONS_PER_ADDRESS",
        description="open connections per address, and new sockets per minute",
    )
    message_bytes: Count = Field(
        4096, validation_alias="CHAT_MESSAGE_BYTES", description="largest message content"
    )
    frame_bytes: Count = Field(
        65_536,
        validation_alias="CHAT_FRAME_BYTES",
        description="largest socket frame or HTTP body from a client",
    )
    outbound_packets: Count = Field(
        256,
        validation_alias="CHAT_OUTBOUND_PACKETS",
        description="packets waiting for one connection; above this, it is closed",
    )
    outbound_bytes: Count = Field(
        1_048_576,
        validation_alias="CHAT_OUTBOUND_BYTES",
        description="bytes waiting for one connection; above this, it is closed",
    )
    outbound_total_bytes: Count = Field(
        33_554_432,
        validation_alias="CHAT_OUTBOUND_TOTAL_BYTES",
        description="bytes waiting for all connections; above this, the fullest are closed",
    )
    messages_per_second: Count = Field(
        10, validation_alias="CHAT_MESSAGES_PER_SECOND", description="messages per second and user"
    )
    message_burst: Count = Field(
        20, validation_alias="CHAT_MESSAGE_BURST", description="messages a user can send at once"
    )
    events_per_second: Count = Field(
        50,
        validation_alias="CHAT_EVENTS_PER_SECOND",
        description="events per second and connection",
    )
    requests_per_second: Count = Field(
        50,
        validation_alias="CHAT_REQUESTS_PER_SECOND",
        description="HTTP requests per second and user",
    )
    request_burst: Count = Field(
        500,
        validation_alias="CHAT_REQUEST_BURST",
        description="HTTP requests a user can send at once",
    )
    requests_at_once: Count = Field(
        8,
        validation_alias="CHAT_REQUESTS_AT_ONCE",
        description="lists, histories, searches and syncs a user can run at the same time",
    )
    requests_per_address: Count = Field(
        1200,
        validation_alias="CHAT_REQUESTS_PER_ADDRESS",
        description="HTTP requests without a valid token, per minute and address",
    )
    logins_per_account: Count = Field(
        5,
        validation_alias="CHAT_LOGINS_PER_ACCOUNT",
        description="failed log-ins in 15 minutes, per account and address",
    )
    logins_per_account_total: Count = Field(
        50,
        validation_alias="CHAT_LOGINS_PER_ACCOUNT_TOTAL",
        description="failed log-ins per hour and account, from all unknown addresses together",
    )
    logins_per_address: Count = Field(
        30,
        validation_alias="CHAT_LOGINS_PER_ADDRESS",
        description="failed log-ins per minute and address",
    )
    sessions_per_user: Count = Field(
        50,
        validation_alias="CHAT_SESSIONS_PER_USER",
        description="sessions of one user; one more log-in ends the least recently used",
    )
    signups_per_address: Count = Field(
        10,
        validation_alias="CHAT_SIGNUPS_PER_ADDRESS",
        description="new accounts per hour and address",
    )
    group_members: Count = Field(
        256, validation_alias="CHAT_GROUP_MEMBERS", description="members of one group"
    )
    groups_per_hour: Count = Field(
        30, validation_alias="CHAT_GROUPS_PER_HOUR", description="groups a user can create per hour"
    )
    members_per_hour: Count = Field(
        500,
        validation_alias="CHAT_MEMBERS_PER_HOUR",
        description="members a user can add to groups per hour",
    )
    changes_per_minute: Count = Field(
        30,
        validation_alias="CHAT_CHANGES_PER_MINUTE",
        description="changes to groups, and to the display name, per minute and user",
    )
    trusted_proxies: int = Field(
        0,
        validation_alias="CHAT_TRUSTED_PROXIES",
        ge=0,
        le=100,
        description="number of proxies in front whose X-Forwarded-For is trusted",
    )

    @field_validator("frame_bytes")
    @classmethod
    def _a_message_fits(cls, value: int, info: ValidationInfo) -> int:
        if value <= info.data.get("message_bytes", 0):
            raise ValueError("must be more than CHAT_MESSAGE_BYTES, so that long messages fit")
        return value

    def describe(self) -> dict[str, str | int | None]:
        """Each variable and its value, with secrets masked; None if it is not set.

        `CHAT_ENV` is the effective value, whether it comes from CHAT_ENV or NODE_ENV.
        """
        values = {
            variable: _shown(getattr(self, field))
            for field, variable in variables_by_field().items()
        }
        return values | {"CHAT_ENV": "production" if self.production else "development"}

    def warnings(self) -> list[str]:
        """Warnings to print at start: settings that are allowed but risky."""
        found = []
        if isinstance(self.database, MemoryDatabase):
            found.append("DATABASE_URL is memory://: everything is lost when the service stops")
        if not self.rate_limits:
            found.append("CHAT_RATE_LIMITS is off: passwords can be guessed without a limit")
        if not self.production and not is_loopback(self.host):
            found.append(
                f"CHAT_ENV is not production, but HOST={self.host} is open to other machines:"
                " errors show stack traces, and pages of any localhost origin can use the service"
            )
        return found


def load_settings(**overrides: str | int | None) -> Settings:
    """Read the settings from the environment; `overrides`, by variable name, take precedence.

    Raises `SettingsError` that lists every mistake.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]  # texts that Pydantic parses
    except ValidationError as error:
        raise SettingsError.of(error, variables_by_field()) from None
    except UnicodeDecodeError as error:
        raise SettingsError([".env: is not UTF-8 text"]) from error
    except OSError as error:
        raise SettingsError([f".env: can't be read ({error.strerror})"]) from error


def variables_by_field() -> dict[str, str]:
    """The variable of each field, in definition order."""
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
