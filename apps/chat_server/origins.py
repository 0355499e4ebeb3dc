"""`CORS_ORIGINS`: the origins whose pages can use this service."""

import re
from dataclasses import dataclass

ANY = "*"
_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{1,5}))?"
)
_LOCALHOST = frozenset({"localhost", "127.0.0.1", "[::1]"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_PORT = 65_535


@dataclass(frozen=True, slots=True)
class OriginPolicy:
    """Decides which pages can use the service: those of the listed origins, and its own.

    With an empty list, `any_localhost` allows every page of this machine.
    """

    listed: tuple[str, ...]
    any_localhost: bool

    def allows(self, origin: str, host: str | None) -> bool:
        """Return whether a page of that origin may call the server under that `Host`."""
        match = _ORIGIN.fullmatch(origin)
        if match is None:
            return ANY in self.listed
        if ANY in self.listed or _origin(origin) in self.listed:
            return True
        if not self.listed and self.any_localhost and match["host"] in _LOCALHOST:
            return True
        # A proxy may handle TLS for this server, so the scheme can't be compared.
        return host is not None and host.lower() in {
            origin.partition("://")[2],
            f"{match['host']}:{_DEFAULT_PORTS.get(match['scheme'])}",
        }


def parse_origins(text: str) -> tuple[str, ...]:
    """Parse comma-separated origins into the form that browsers send. Raises `ValueError`."""
    entries = (entry.strip() for entry in text.split(","))
    return tuple(dict.fromkeys(_origin(entry) for entry in entries if entry))


def _origin(entry: str) -> str:
    """Return the origin as browsers send it: in lower case, without the scheme's default port."""
    if entry == ANY:
        return ANY
    match = _ORIGIN.fullmatch(entry.lower())
    port = int(match["port"]) if match and match["port"] else None
    if match is None or (port is not None and not 1 <= port <= _MAX_PORT):
        raise ValueError(
            f"{entry!r} is not an origin; write scheme://host or scheme://host:port, without a path"
        )
    origin = f"{match['scheme']}://{match['host']}"
    if port is None or port == _DEFAULT_PORTS.get(match["scheme"]):
        return origin
    return f"{origin}:{port}"
