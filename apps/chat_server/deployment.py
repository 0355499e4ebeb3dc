"""The settings that each deployment chooses: where and how the service runs."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from chat_server.database_url import (
    MemoryDatabase,
    MongoDatabase,
    SqliteDatabase,
    parse_database_url,
)
from chat_server.hosts import parse_hosts
from chat_server.jwt_secret import (
    FEW_PARTS,
    HOW_TO_MAKE_ONE,
    KEPT_IN,
    check_secret,
    has_few_parts,
    kept_secret,
)
from chat_server.origins import ANY, parse_origins
from chat_server.settings_errors import SettingsError


class Deployment(BaseSettings):
    """Settings from the environment, or from a file `.env` in the working directory.

    A field's alias is the name of its variable. An empty variable counts as not set.
    """

    model_config = SettingsConfigDict(
        case_sensitive=True,
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        validate_default=True,
    )

    # These two come first, because the validation of the other fields depends on them.
    chat_env: Literal["development", "production"] | None = Field(
        None,
        validation_alias="CHAT_ENV",
        description="`production` hides internals and refuses unsafe settings; if not set, NODE_ENV"
        " decides, and without that it is `development`",
    )
    node_env: str = Field("", validation_alias="NODE_ENV", exclude=True)
    host: str = Field(
        "",
        validation_alias="HOST",
        description="address to listen on; 127.0.0.1 in development, 0.0.0.0 in production",
    )
    port: int = Field(
        5000,
        validation_alias="PORT",
        ge=0,
        le=65_535,
        description="port to listen on; 0 picks a free one",
    )
    database_url: str = Field(
        "sqlite:///chat.db",
        validation_alias="DATABASE_URL",
        repr=False,
        description="`sqlite:///PATH` (an absolute path has four slashes), `mongodb://…` or"
        " `mongodb+srv://…` (a replica set), or `memory://`, which stores nothing",
    )
    database_wait_seconds: int = Field(
        30,
        validation_alias="CHAT_DATABASE_WAIT_SECONDS",
        ge=1,
        le=3600,
        description="how long to wait at start for a database that does not answer",
    )
    jwt_secret: SecretStr | None = Field(
        None,
        validation_alias="JWT_SECRET",
        description="signs the tokens, 32 bytes or more; development creates one and stores it in"
        f" {KEPT_IN}",
    )
    jwt_secret_previous: SecretStr | None = Field(
        None,
        validation_alias="JWT_SECRET_PREVIOUS",
        description="the old secret, still accepted while you change JWT_SECRET",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        validation_alias="CORS_ORIGINS",
        description="origins whose pages can use the service, separated by commas; if not set: any"
        " localhost origin in development, only the service's own in production",
    )
    hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        validation_alias="CHAT_HOSTS",
        description="host names clients can use, separated by commas; if not set: any",
    )
    signups: bool = Field(
        default=True,
        validation_alias="CHAT_SIGNUPS",
        description="off: only the operator can create accounts",
    )
    rate_limits: bool = Field(
        default=True,
        validation_alias="CHAT_RATE_LIMITS",
        description="off: no rate limits, for benchmarks only; all other limits stay",
    )

    @property
    def production(self) -> bool:
        """Whether the service runs in production."""
        return _is_production(self.chat_env, self.node_env)

    @property
    def database(self) -> SqliteDatabase | MongoDatabase | MemoryDatabase:
        """The database that `DATABASE_URL` names."""
        return parse_database_url(self.database_url)

    def signing_secret(self) -> str:
        """Return `JWT_SECRET`, or in development the secret stored in the working directory.

        Raises `SettingsError` if that secret can't be read or created.
        """
        if self.jwt_secret is not None:
            return self.jwt_secret.get_secret_value()
        try:
            return kept_secret()
        except ValueError as error:
            raise SettingsError([f"JWT_SECRET: {error}"]) from error
        except OSError as error:
            raise SettingsError(
                [f"JWT_SECRET: can't be stored in {KEPT_IN} ({error.strerror}); {HOW_TO_MAKE_ONE}"]
            ) from error

    @field_validator("node_env")
    @classmethod
    def _known_where_it_counts(cls, value: str, info: ValidationInfo) -> str:
        counts = info.data.get("chat_env", "unknown") is None
        if counts and value not in {"", "development", "test", "production"}:
            raise ValueError(f"must be development, test or production, but is {value!r}")
        return value

    @field_validator("host")
    @classmethod
    def _open_in_production_only(cls, value: str, info: ValidationInfo) -> str:
        return value or ("0.0.0.0" if _production(info) else "127.0.0.1")  # noqa: S104

    @field_validator("database_url")
    @classmethod
    def _supported(cls, value: str, info: ValidationInfo) -> str:
        if isinstance(parse_database_url(value), MemoryDatabase) and _production(info):
            raise ValueError("memory:// stores nothing, so production refuses it")
        return value

    @field_validator("jwt_secret")
    @classmethod
    def _given_in_production(
        cls, value: SecretStr | None, info: ValidationInfo
    ) -> SecretStr | None:
        if value is None and _production(info):
            raise ValueError(f"is required in production; {HOW_TO_MAKE_ONE}")
        return value

    @field_validator("jwt_secret", "jwt_secret_previous")
    @classmethod
    def _hard_to_guess(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is not None:
            check_secret(value.get_secret_value())
            if _production(info) and has_few_parts(value.get_secret_value()):
                raise ValueError(f"{FEW_PARTS}, so it can be guessed; {HOW_TO_MAKE_ONE}")
        return value

    @field_validator("hosts", mode="before")
    @classmethod
    def _hosts(cls, value: str | tuple[str, ...]) -> tuple[str, ...]:
        return parse_hosts(value) if isinstance(value, str) else value

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _origins(cls, value: str | tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        origins = parse_origins(value) if isinstance(value, str) else value
        if ANY in origins and _production(info):
            raise ValueError("* allows every page, so production refuses it")
        return origins


def _is_production(chat_env: str | None, node_env: str) -> bool:
    return (chat_env or node_env) == "production"


def _production(info: ValidationInfo) -> bool:
    """Return whether the service runs in production; for use during validation.

    Returns False if that is unknown because the setting is invalid.
    """
    known = info.data
    return "chat_env" in known and _is_production(known["chat_env"], known.get("node_env", ""))
