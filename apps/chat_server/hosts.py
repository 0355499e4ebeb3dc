"""`CHAT_HOSTS`: the host names that clients can use."""

import re
from dataclasses import dataclass
from ipaddress import ip_address

from chat_core.errors import HostNotAllowed

_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
_PORT = re.compile(r":[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class HostPolicy:
    """Decides which `Host` headers are allowed; with an empty list, the header is not checked."""

    listed: frozenset[str]

    def check(self, host: str | None) -> None:
        """Check the `Host` header without its port. Raises `HostNotAllowed`."""
        if self.listed and _without_port((host or "").lower()) not in self.listed:
            raise HostNotAllowed


def parse_hosts(text: str) -> tuple[str, ...]:
    """Parse comma-separated names or addresses without ports. Raises `ValueError`."""
    hosts = dict.fromkeys(entry.strip().lower() for entry in text.split(",") if entry.strip())
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise ValueError(
                f"{host!r} is not a host; write a name or an address, without a scheme or a port"
            )
    return tuple(hosts)


def is_loopback(host: str) -> bool:
    """Return whether a server at this host is reachable only from this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name other than localhost
        return False


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and _PORT.fullmatch(colon + port) else host
