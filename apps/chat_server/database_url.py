"""`DATABASE_URL`, which says where the service stores its data."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

FORMS = "sqlite:///PATH (an absolute path has four slashes), mongodb://HOST/NAME or memory://"


@dataclass(frozen=True, slots=True)
class SqliteDatabase:
    """An SQLite file; a relative path is relative to the working directory."""

    path: Path


@dataclass(frozen=True, slots=True)
class MemoryDatabase:
    """A database in memory, which stores nothing permanently."""


@dataclass(frozen=True, slots=True)
class MongoDatabase:
    """A database of a MongoDB replica set; `url` may contain a password."""

    url: str = field(repr=False)
    name: str


def parse_database_url(url: str) -> SqliteDatabase | MemoryDatabase | MongoDatabase:
    """Parse the URL. Raises `ValueError` with a sentence that never repeats a password."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise ValueError(f"must be {FORMS}")
    match scheme:
        case "memory":
            if rest:
                raise ValueError("memory:// must have nothing after it")
            return MemoryDatabase()
        case "sqlite":
            return SqliteDatabase(_path(rest))
        case "mongodb" | "mongodb+srv":
            return MongoDatabase(url, _database_name(url))
        case _:
            raise ValueError(f"can't be {scheme}://; must be {FORMS}")


def mask_passwords(url: str) -> str:
    """Return the URL with asterisks in place of its secrets."""
    url = re.sub(r"(?<=://)([^:/@]*):.*@", r"\1:***@", url)
    # MongoDB options with secrets: tlsCertificateKeyFilePassword, and authMechanismProperties
    # (session tokens).
    return re.sub(r"([?&][^=&]*(?:password|properties)=)[^&]*", r"\1***", url, flags=re.IGNORECASE)


def _path(rest: str) -> Path:
    if not rest.startswith("/"):
        raise ValueError(f"has too few slashes; must be {FORMS}")
    path = rest[1:]
    if path == ":memory:":
        raise ValueError("write memory:// for a database in memory")
    if not path or path.endswith("/"):
        raise ValueError(f"has no file name; must be {FORMS}")
    if "?" in path or "\0" in path:
        raise ValueError("a path has no options: remove the question mark")
    return Path(path)


def _database_name(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ValueError("is not a valid MongoDB URL") from error
    if not parts.netloc.rpartition("@")[2]:
        raise ValueError("has no host")
    return unquote(parts.path.strip("/")) or "chat"
