"""The checks of `chat-server doctor`: settings, this machine, the port and the database."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from urllib.parse import parse_qsl, unquote, urlsplit

from chat_core.findings import Finding, fine, problem, warning
from chat_core.ports.system import Clock
from chat_server import open_files
from chat_server.container import Container
from chat_server.databases import maintenance
from chat_server.jwt_secret import FEW_PARTS, KEPT_IN, has_few_parts
from chat_server.running_server import RunningServer, who_serves
from chat_server.settings import Settings, SettingsError, load_settings

LOOPBACK = {"127.0.0.1", "::1", "localhost"}


async def examine(connections: int) -> AsyncIterator[Finding]:
    """Run all checks for a service that expects this many live connections at once.

    Skips checks that depend on something broken. Raises no errors and changes nothing.
    """
    try:
        settings = load_settings()
    except SettingsError as error:
        for line in error.problems:
            name, _, why = line.partition(": ")
            said, _, remedy = why.partition("; ")
            yield problem("settings", f"{name} {said}", remedy or f"correct {name}")
        yield _files(None, connections)
        return
    for finding in _settings(settings):
        yield finding
    server = await asyncio.to_thread(who_serves, settings.host, settings.port)
    yield server.finding
    yield _files(server, connections)
    async for finding in _database(settings, Container(settings=settings).clock()):
        yield _without_secrets(finding, settings)


def _settings(settings: Settings) -> Iterator[Finding]:
    mode = "production" if settings.production else "development"
    yield fine("settings", f"are valid, for {mode}")
    for sentence in settings.warnings():
        variable = sentence.partition(" ")[0]
        yield warning(
            "settings", sentence, f"change {variable} before anyone else uses the service"
        )
    if not settings.production and settings.host not in LOOPBACK:
        yield warning(
            "settings",
            f"development mode at HOST={settings.host}: others can see stack traces",
            "set CHAT_ENV=production",
        )
    if settings.production and not settings.hosts:
        yield warning(
            "settings",
            "CHAT_HOSTS is not set: the service answers under any host name",
            "set CHAT_HOSTS to the service's host names",
        )
    yield _secret(settings)


def _secret(settings: Settings) -> Finding:
    if settings.jwt_secret is None:
        if not KEPT_IN.exists():
            return fine("JWT_SECRET", f"is not set: the first start creates one in {KEPT_IN}")
        try:
            settings.signing_secret()
        except SettingsError as error:
            said, _, remedy = str(error).partition(": ")[2].partition("; ")
            return problem(
                "JWT_SECRET", said, remedy or f"give the service's user read access to {KEPT_IN}"
            )
        return fine("JWT_SECRET", f"is stored in {KEPT_IN}")
    if has_few_parts(settings.jwt_secret.get_secret_value()):
        return warning(
            "JWT_SECRET",
            f"{FEW_PARTS}: anyone who guesses it can act as every user",
            'create one with python3 -c "import secrets; print(secrets.token_urlsafe(48))"',
        )
    return fine("JWT_SECRET", "is set")


def _files(server: RunningServer | None, connections: int) -> Finding:
    limit = server.max_files if server is not None else None
    whose = "the running server"
    if limit is None:
        limit, whose = open_files.most(), "a server started here"
    if limit is None:
        return fine("open files", "this system reports no limit")
    said = f"{whose} can have {limit:,}; each connection needs one"
    if limit >= connections + open_files.SPARE:
        return fine("open files", said)
    return warning(
        "open files",
        f"{said}: too few for {connections:,} connections",
        "raise the limit (ulimit -n, or LimitNOFILE of systemd), or expect fewer --connections",
    )


async def _database(settings: Settings, clock: Clock) -> AsyncIterator[Finding]:
    database = maintenance(settings)
    if database is None:
        return
    for finding in await database.examine(clock):
        yield finding


def _without_secrets(finding: Finding, settings: Settings) -> Finding:
    """Return the finding with secrets masked, because a driver may have quoted them."""
    url = urlsplit(settings.database_url) if "@" in settings.database_url else None
    secrets = [] if url is None else [unquote(url.password or ""), url.password or ""]
    secrets += [value for name, value in parse_qsl(url.query if url else "") if "assword" in name]
    if settings.jwt_secret is not None:
        secrets.append(settings.jwt_secret.get_secret_value())
    said, remedy = finding.said, finding.remedy
    for secret in filter(None, secrets):
        said, remedy = said.replace(secret, "***"), remedy.replace(secret, "***")
    return Finding(finding.level, finding.subject, said, remedy)
