"""The settings: what is read, what holds without them, and what is refused with which sentence."""

import math
import os
import re
import secrets
import stat
import subprocess
import sys
import threading
import uuid
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest

from chat_server.database_url import (
    MemoryDatabase,
    MongoDatabase,
    SqliteDatabase,
    mask_passwords,
    parse_database_url,
)
from chat_server.jwt_secret import MIN_BITS, REPEATED, has_few_parts, kept_secret
from chat_server.settings import Settings, SettingsError, load_settings, variables_by_field
from tests.support.waiting import PATIENCE_SECONDS

EXAMPLE = Path(__file__).parents[2] / ".env.example"
SECRET = "a secret of these tests, which is long enough"
HOW_TO = 'create one with: python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
COUNTS = {
    "CHAT_ACCESS_TOKEN_SECONDS": 600,
    "CHAT_REFRESH_IDLE_DAYS": 14,
    "CHAT_REFRESH_MAX_DAYS": 30,
    "CHAT_CONNECT_SECONDS": 5,
    "CHAT_REGISTRATION_SECONDS": 10,
    "CHAT_CONNECTIONS": 10_000,
    "CHAT_CONNECTIONS_PER_USER": 10,
    "CHAT_CONNECTIONS_PER_ADDRESS": 3000,
    "CHAT_MESSAGE_BYTES": 4096,
    "CHAT_FRAME_BYTES": 65_536,
    "CHAT_OUTBOUND_PACKETS": 256,
    "CHAT_OUTBOUND_BYTES": 1_048_576,
    "CHAT_OUTBOUND_TOTAL_BYTES": 33_554_432,
    "CHAT_MESSAGES_PER_SECOND": 10,
    "CHAT_MESSAGE_BURST": 20,
    "CHAT_EVENTS_PER_SECOND": 50,
    "CHAT_REQUESTS_PER_SECOND": 50,
    "CHAT_REQUEST_BURST": 500,
    "CHAT_REQUESTS_AT_ONCE": 8,
    "CHAT_REQUESTS_PER_ADDRESS": 1200,
    "CHAT_LOGINS_PER_ACCOUNT": 5,
    "CHAT_LOGINS_PER_ACCOUNT_TOTAL": 50,
    "CHAT_LOGINS_PER_ADDRESS": 30,
    "CHAT_SESSIONS_PER_USER": 50,
    "CHAT_SIGNUPS_PER_ADDRESS": 10,
    "CHAT_GROUP_MEMBERS": 256,
    "CHAT_GROUPS_PER_HOUR": 30,
    "CHAT_MEMBERS_PER_HOUR": 500,
    "CHAT_CHANGES_PER_MINUTE": 30,
}
DEFAULTS = {
    "CHAT_ENV": "development",
    "HOST": "127.0.0.1",
    "PORT": 5000,
    "DATABASE_URL": "sqlite:///chat.db",
    "CHAT_DATABASE_WAIT_SECONDS": 30,
    "JWT_SECRET": None,
    "JWT_SECRET_PREVIOUS": None,
    "CORS_ORIGINS": None,
    "CHAT_HOSTS": None,
    "CHAT_SIGNUPS": "on",
    "CHAT_RATE_LIMITS": "on",
    **COUNTS,
    "CHAT_TRUSTED_PROXIES": 0,
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Start in an empty folder, with none of the settings in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in (*DEFAULTS, "NODE_ENV"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def load(**environment: object) -> Settings:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, str(value))
        return load_settings()


def problems(**environment: object) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as refused:
        load(**environment)
    return refused.value.problems


# --------------------------------------------------------------------------------- what is read
def test_without_any_setting_the_defaults_hold() -> None:
    assert load().describe() == DEFAULTS


@pytest.mark.parametrize("name", ["PORT", *COUNTS, "CHAT_TRUSTED_PROXIES"])
def test_every_number_is_read_under_its_own_name(name: str) -> None:
    default = DEFAULTS[name]
    assert isinstance(default, int)

    assert load(**{name: default + 1}).describe() == DEFAULTS | {name: default + 1}


@pytest.mark.parametrize("name", ["CHAT_SIGNUPS", "CHAT_RATE_LIMITS"])
def test_a_switch_is_turned_off_and_on(name: str) -> None:
    assert load(**{name: "off"}).describe() == DEFAULTS | {name: "off"}
    assert load(**{name: "on"}).describe() == DEFAULTS


@pytest.mark.parametrize("name", [*DEFAULTS, "NODE_ENV"])
def test_an_empty_value_counts_as_not_set(name: str) -> None:
    assert load(**{name: ""}).describe() == DEFAULTS


def test_an_original_env_file_works_as_it_is(folder: Path) -> None:
    (folder / ".env").write_text(
        f'PORT=3000\nDATABASE_URL=sqlite:///old.db\nJWT_SECRET="{SECRET}"\nNODE_ENV=production\n'
        "SOMETHING_ELSE=1\n"
    )
    settings = load()

    assert settings.production
    assert settings.port == 3000
    assert settings.database == SqliteDatabase(Path("old.db"))
    assert settings.signing_secret() == SECRET


def test_the_environment_comes_before_the_file_and_an_override_before_both(folder: Path) -> None:
    (folder / ".env").write_text("PORT=1\nHOST=file\nCHAT_MESSAGE_BURST=7\n")

    assert load(PORT=2).describe() == DEFAULTS | {
        "PORT": 2,
        "HOST": "file",
        "CHAT_MESSAGE_BURST": 7,
    }
    assert load(PORT="").port == 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PORT", "2")
        assert load_settings(PORT=3, HOST=None).port == 3
        assert load_settings(PORT=3, HOST=None).host == "file"


def test_the_file_may_begin_with_a_byte_order_mark(folder: Path) -> None:
    (folder / ".env").write_text("PORT=3000\n", encoding="utf-8-sig")

    assert load().port == 3000


def test_a_file_that_cannot_be_read_is_told_in_a_sentence(folder: Path) -> None:
    (folder / ".env").write_bytes(b"PORT=\xff\n")

    assert problems() == (".env: is not UTF-8 text",)


# ----------------------------------------------------------------------- development, production
@pytest.mark.parametrize(
    ("chat_env", "node_env", "holds"),
    [
        ("", "", "development"),
        ("", "test", "development"),
        ("", "development", "development"),
        ("", "production", "production"),
        ("development", "production", "development"),
        ("development", "staging", "development"),
        ("production", "development", "production"),
        ("production", "test", "production"),
    ],
)
def test_chat_env_wins_over_node_env(
    folder: Path, chat_env: str, node_env: str, holds: str
) -> None:
    in_the_environment = load(CHAT_ENV=chat_env, NODE_ENV=node_env, JWT_SECRET=SECRET)
    (folder / ".env").write_text(f"CHAT_ENV={chat_env}\n")
    one_in_the_file = load(NODE_ENV=node_env, JWT_SECRET=SECRET)

    for settings in (in_the_environment, one_in_the_file):
        assert settings.describe()["CHAT_ENV"] == holds
        assert settings.production is (holds == "production")


def test_only_production_listens_at_every_address_unless_told_otherwise() -> None:
    production = {"CHAT_ENV": "production", "JWT_SECRET": SECRET}

    assert load().host == "127.0.0.1"
    assert load(**production).host == "0.0.0.0"  # noqa: S104
    assert load(**production, HOST="10.0.0.1").host == "10.0.0.1"


@pytest.mark.parametrize("name", ["CHAT_ENV", "NODE_ENV"])
def test_an_unknown_environment_is_refused(name: str) -> None:
    (problem,) = problems(**{name: "staging"})

    assert problem.startswith(f"{name}: must be ")
    assert problem.endswith(" is 'staging'")


@pytest.mark.parametrize(
    ("unsafe", "problem"),
    [
        ({"JWT_SECRET": ""}, f"JWT_SECRET: is required in production; {HOW_TO}"),
        ({"JWT_SECRET": "x"}, f"JWT_SECRET: has 1 bytes but needs 32 or more; {HOW_TO}"),
        (
            {"CORS_ORIGINS": "https://a.example,*"},
            "CORS_ORIGINS: * allows every page, so production refuses it",
        ),
        (
            {"DATABASE_URL": "memory://"},
            "DATABASE_URL: memory:// stores nothing, so production refuses it",
        ),
    ],
)
@pytest.mark.parametrize("name", ["CHAT_ENV", "NODE_ENV"])
def test_production_refuses_what_is_unsafe(name: str, unsafe: dict[str, str], problem: str) -> None:
    assert problems(**{name: "production", "JWT_SECRET": SECRET} | unsafe) == (problem,)


def test_all_problems_are_told_at_once_one_line_each() -> None:
    told = problems(
        CHAT_ENV="production",
        PORT="x",
        DATABASE_URL="memory://",
        CORS_ORIGINS="*",
        CHAT_SIGNUPS="perhaps",
        CHAT_GROUP_MEMBERS="0",
        JWT_SECRET_PREVIOUS="x",
    )

    assert [line.partition(":")[0] for line in told] == [
        "PORT",
        "DATABASE_URL",
        "JWT_SECRET",
        "JWT_SECRET_PREVIOUS",
        "CORS_ORIGINS",
        "CHAT_SIGNUPS",
        "CHAT_GROUP_MEMBERS",
    ]
    assert "\n" not in "".join(told)


# ----------------------------------------------------------------------------------------- numbers
@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("value", ["0", "-1"])
def test_a_limit_is_one_at_least(name: str, value: str) -> None:
    assert problems(**{name: value})[0] == f"{name}: must be 1 or more, but is {value!r}"


@pytest.mark.parametrize("name", ["PORT", *COUNTS, "CHAT_TRUSTED_PROXIES"])
@pytest.mark.parametrize("value", ["many", "1.5", "1e3", "0x10", "9" * 5000])
def test_a_number_is_a_whole_one_of_a_sane_size(name: str, value: str) -> None:
    (problem,) = problems(**{name: value})

    assert problem.startswith(f"{name}: ")
    assert len(problem) < 100


@pytest.mark.parametrize("value", ["-1", "65536"])
def test_a_port_is_in_its_range(value: str) -> None:
    assert problems(PORT=value)[0].startswith("PORT: must be ")


def test_port_0_asks_for_any() -> None:
    assert load(PORT="0").port == 0


def test_a_frame_has_room_for_a_message() -> None:
    refusal = "CHAT_FRAME_BYTES: must be more than CHAT_MESSAGE_BYTES, so that long messages fit"

    assert problems(CHAT_MESSAGE_BYTES="65536") == (refusal,)
    assert problems(CHAT_FRAME_BYTES="4096") == (refusal,)


# -------------------------------------------------------------------------------- DATABASE_URL
@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///chat.db", "chat.db"),
        ("sqlite:///data/chat.db", "data/chat.db"),
        ("sqlite:////var/lib/chat.db", "/var/lib/chat.db"),
        ("sqlite:///my%20chat.db", "my%20chat.db"),
    ],
)
def test_sqlite_is_a_file(url: str, path: str) -> None:
    assert load(DATABASE_URL=url).database == SqliteDatabase(Path(path))


def test_memory_is_memory() -> None:
    assert load(DATABASE_URL="memory://").database == MemoryDatabase()


@pytest.mark.parametrize(
    "url",
    [
        "chat.db",
        "sqlite",
        "sqlite://chat.db",
        "sqlite://",
        "sqlite:///",
        "sqlite:////var/lib/",
        "sqlite:///:memory:",
        "sqlite:///chat.db?mode=ro",
        "SQLITE:///chat.db",
        "memory://chat",
        "mongodb://",
        "mongodb://ann:passphrase@",
        "mongodb://[::1/chat",
        "postgresql://ann:passphrase@db/chat",
        "redis://db",
    ],
)
def test_any_other_database_is_refused_by_name_and_without_its_password(url: str) -> None:
    (problem,) = problems(DATABASE_URL=url)

    assert problem.startswith("DATABASE_URL: ")
    assert "passphrase" not in problem


@pytest.mark.parametrize("scheme", ["mongodb", "mongodb+srv"])
def test_mongodb_is_taken_with_the_name_in_its_path_else_chat(scheme: str) -> None:
    url = f"{scheme}://ann:passphrase@db1,db2/talk?replicaSet=rs0"

    assert load(DATABASE_URL=url).database == MongoDatabase(url, "talk")
    assert parse_database_url(f"{scheme}://db") == MongoDatabase(f"{scheme}://db", "chat")
    assert "passphrase" not in repr(parse_database_url(url))


# -------------------------------------------------------------------------------- CORS_ORIGINS
@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("https://a.example", ("https://a.example",)),
        (" https://a.example , http://b:8080,", ("https://a.example", "http://b:8080")),
        ("https://a.example,https://a.example", ("https://a.example",)),
        ("HTTPS://A.Example:443,http://b:80", ("https://a.example", "http://b")),
        ("http://[::1]:3000", ("http://[::1]:3000",)),
        ("tauri://localhost", ("tauri://localhost",)),
        ("*", ("*",)),
        (",", ()),
    ],
)
def test_origins_are_as_browsers_send_them(text: str, origins: tuple[str, ...]) -> None:
    settings = load(CORS_ORIGINS=text)

    assert settings.cors_origins == origins
    assert settings.describe()["CORS_ORIGINS"] == (",".join(origins) or None)


@pytest.mark.parametrize(
    "entry",
    [
        "a.example",
        "https://a.example/",
        "https://a.example/path",
        "https://a.example?x",
        "https://*.example",
        "https://ann@a.example",
        "https://a.example:0",
        "https://a.example:65536",
        "https://a.example:",
        "https://",
        "null",
        "https://bücher.example",
        "https://a.example https://b.example",
    ],
)
def test_what_is_no_origin_is_refused(entry: str) -> None:
    (problem,) = problems(CORS_ORIGINS=f"https://fine.example,{entry}")

    assert problem.startswith(f"CORS_ORIGINS: {entry!r} is not an origin; write scheme://host or ")


# ---------------------------------------------------------------------------------- JWT_SECRET
@pytest.mark.parametrize("name", ["JWT_SECRET", "JWT_SECRET_PREVIOUS"])
@pytest.mark.parametrize("environment", ["development", "production"])
def test_a_secret_has_32_bytes(name: str, environment: str) -> None:
    given = {"CHAT_ENV": environment, "JWT_SECRET": SECRET}

    assert load(**given | {name: "éèêëàáâäòóôöùúûü"}).describe()[name] == "***"
    assert problems(**given | {name: "guessable" * 3}) == (
        f"{name}: has 27 bytes but needs 32 or more; {HOW_TO}",
    )


@pytest.mark.parametrize(
    "secret",
    [
        "x" * 64,
        "secret" * 6,
        "secret" * 6 + "12",
        "Secret secret SECRET secret secret",
        "secret1secret2secret3secret4secret5",
        "0123456789abcdef" * 2,
        "correct horse battery staple!" * 2,
        "01" * 40,
        "ab" * 15 + "ba",
        "a" * 20 + "b" * 20,
        "abbabaabbaababbaabbabababbabbaba",
        "\u00e9\u2603" * 40,
        "changeme-" * 5000,
    ],
    ids=lambda secret: secret[:20],
)
@pytest.mark.parametrize("name", ["JWT_SECRET", "JWT_SECRET_PREVIOUS"])
def test_production_refuses_a_secret_of_few_different_parts(name: str, secret: str) -> None:
    given = {"JWT_SECRET": SECRET, name: secret}
    few = "repeats itself or has too few different characters"

    assert problems(CHAT_ENV="production", **given) == (
        f"{name}: {few}, so it can be guessed; {HOW_TO}",
    )
    assert load(CHAT_ENV="development", **given).describe()[name] == "***"


SECRET_MAKERS: dict[str, tuple[Callable[[], str], float]] = {
    # How it is made, and the probability of its likeliest character, whatever the case.
    "token_urlsafe(48)": (lambda: secrets.token_urlsafe(48), 2 / 64),
    "token_urlsafe(24)": (lambda: secrets.token_urlsafe(24), 2 / 64),
    "token_hex(16)": (lambda: secrets.token_hex(16), 1 / 16),
    "openssl rand -base64 24": (lambda: b64encode(secrets.token_bytes(24)).decode(), 2 / 64),
    "uuid4": (lambda: uuid.uuid4().hex, 1 / 16),
    "32 digits": (lambda: f"{secrets.randbelow(10**32):032}", 1 / 10),
    "160 bits": (lambda: f"{secrets.randbits(160):0160b}", 1 / 2),
}


def chance_to_repeat(size: int, likeliest: float) -> float:
    """The most that the chance can be that a random secret counts as one that repeats itself."""
    return sum(
        math.comb(places, same) * likeliest**same * (1 - likeliest) ** (places - same)
        for places in range(size - size // 2, size)
        for same in range(math.ceil(REPEATED * places), places + 1)
    )


@pytest.mark.parametrize("maker", SECRET_MAKERS)
def test_no_secret_that_was_made_at_random_counts_as_one_of_few_parts(maker: str) -> None:
    make, likeliest = SECRET_MAKERS[maker]

    assert not any(has_few_parts(make()) for _ in range(100))
    size = len(make())
    assert chance_to_repeat(size, likeliest) < 1e-9
    # As few different characters as would be too few: with 32 of them, 3.
    few = max(each for each in range(1, 99) if size * math.log2(each) < MIN_BITS)
    alphabet = round(1 / likeliest)
    assert alphabet > few
    assert math.comb(alphabet, few) * (few * likeliest) ** size < 1e-14


def test_the_chances_that_are_told_of_random_secrets_are_so() -> None:
    assert chance_to_repeat(32, 1 / 16) == pytest.approx(2e-15, rel=0.3)
    assert chance_to_repeat(64, 2 / 64) == pytest.approx(3e-38, rel=0.3)


def test_development_makes_a_secret_once_and_keeps_it(folder: Path) -> None:
    first = load().signing_secret()

    assert len(first.encode()) >= 32
    assert load().signing_secret() == first
    assert [file.name for file in folder.iterdir()] == [".chat-jwt-secret"]


def test_a_secret_that_is_given_is_not_kept(folder: Path) -> None:
    assert load(JWT_SECRET=SECRET).signing_secret() == SECRET
    assert list(folder.iterdir()) == []


@pytest.fixture
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_open_umask")
def test_a_kept_secret_is_complete_and_its_owners_before_it_has_its_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link_really = os.link
    modes = []

    def link(draft: str, file: Path) -> None:
        modes.append(stat.S_IMODE(Path(draft).stat().st_mode))
        assert len(Path(draft).read_bytes()) > 32
        link_really(draft, file)

    monkeypatch.setattr(os, "link", link)
    kept_secret()

    assert modes == [0o600]
    assert stat.S_IMODE((folder / ".chat-jwt-secret").stat().st_mode) == 0o600


def test_those_that_start_at_once_end_with_the_same_secret(folder: Path) -> None:
    starters = 8
    start = threading.Barrier(starters)

    def make(file: Path) -> str:
        start.wait(timeout=PATIENCE_SECONDS)
        return kept_secret(file)

    with ThreadPoolExecutor(starters) as pool:
        for turn in range(20):
            made = set(pool.map(make, [folder / str(turn)] * starters))
            assert len(made) == 1
    assert len(list(folder.iterdir())) == 20


def test_two_processes_that_start_at_once_end_with_the_same_secret() -> None:
    program = (
        f"import sys; sys.path[:0] = {sys.path!r}; from chat_server.settings import load_settings\n"
        "input(); print(load_settings().signing_secret())"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in started:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    said = {process.communicate(timeout=PATIENCE_SECONDS)[0] for process in started}

    assert len(said) == 1
    assert len(said.pop()) > 32


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such file modes")
def test_a_kept_secret_that_others_can_read_is_refused(folder: Path) -> None:
    settings = load()
    settings.signing_secret()
    (folder / ".chat-jwt-secret").chmod(0o644)

    with pytest.raises(SettingsError) as refused:
        settings.signing_secret()
    assert refused.value.problems == (
        "JWT_SECRET: other users can read .chat-jwt-secret; delete it to get a new one",
    )


def test_a_file_without_a_secret_is_refused(folder: Path) -> None:
    (folder / ".chat-jwt-secret").touch(mode=0o600)

    with pytest.raises(SettingsError) as refused:
        load().signing_secret()
    assert refused.value.problems == (
        "JWT_SECRET: .chat-jwt-secret contains no secret; delete it to get a new one",
    )


def test_where_no_file_can_be_written_the_sentence_says_what_to_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(SettingsError) as refused:
        load().signing_secret()

    assert refused.value.problems == (
        f"JWT_SECRET: can't be stored in .chat-jwt-secret (Operation not permitted); {HOW_TO}",
    )
    assert list(folder.iterdir()) == []


# ------------------------------------------------------------------------------ what is told
def test_no_secret_is_told() -> None:
    settings = load(JWT_SECRET=SECRET, JWT_SECRET_PREVIOUS=SECRET[::-1])

    assert settings.describe() == DEFAULTS | {"JWT_SECRET": "***", "JWT_SECRET_PREVIOUS": "***"}
    for told in (repr(settings), str(settings), repr(settings.describe())):
        assert SECRET not in told
        assert SECRET[::-1] not in told


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("sqlite:///chat.db", "sqlite:///chat.db"),
        ("mongodb://db/chat", "mongodb://db/chat"),
        ("mongodb://ann@db/chat", "mongodb://ann@db/chat"),
        ("mongodb://ann:pass@db1,db2/chat?w=majority", "mongodb://ann:***@db1,db2/chat?w=majority"),
        ("mongodb+srv://ann:p@ss:w/rd@db", "mongodb+srv://ann:***@db"),
        ("mongodb://:pass@db", "mongodb://:***@db"),
        (
            "mongodb://db/?tlsCertificateKeyFilePassword=pass&w=1",
            "mongodb://db/?tlsCertificateKeyFilePassword=***&w=1",
        ),
        (
            "mongodb://db/?w=1&authMechanismProperties=AWS_SESSION_TOKEN:pass",
            "mongodb://db/?w=1&authMechanismProperties=***",
        ),
    ],
)
def test_passwords_in_a_url_are_masked(url: str, masked: str) -> None:
    assert mask_passwords(url) == masked


def test_what_may_surprise_is_warned_about() -> None:
    assert load().warnings() == []
    for mine in ("localhost", "127.0.0.2", "::1"):
        assert load(HOST=mine).warnings() == []
    for open_to_others in ("0.0.0.0", "::", "192.0.2.1", "chat.example"):  # noqa: S104
        (warning,) = load(HOST=open_to_others).warnings()
        assert f"HOST={open_to_others}" in warning
        production = {"CHAT_ENV": "production", "JWT_SECRET": SECRET}
        assert load(HOST=open_to_others, **production).warnings() == []
    assert load(DATABASE_URL="memory://", CHAT_RATE_LIMITS="off").warnings() == [
        "DATABASE_URL is memory://: everything is lost when the service stops",
        "CHAT_RATE_LIMITS is off: passwords can be guessed without a limit",
    ]


def test_every_setting_is_described() -> None:
    for name in variables_by_field():
        assert Settings.model_fields[name].description, name


# ------------------------------------------------------------------------------- .env.example
def test_the_example_names_exactly_the_settings_that_exist() -> None:
    names = re.findall(r"^([A-Z_]+)=", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE)

    assert names == list(DEFAULTS)


def test_the_example_copied_as_it_is_gives_the_defaults(folder: Path) -> None:
    (folder / ".env").write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")

    assert load().describe() == DEFAULTS
    assert load().signing_secret()


def test_the_example_explains_each_setting() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()

    for before, line in pairwise(lines):
        assert not re.match("[A-Z_]+=", line) or before.startswith("#"), line
