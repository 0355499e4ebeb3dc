import pytest

from chat_core.addresses import counts, networks, shown_address
from chat_core.limits import Limit

LIMIT = Limit("log-ins", 3, 60)
WIDE = Limit("log-ins", 30, 60)


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("203.0.113.9", ("203.0.113.9",)),
        ("::ffff:203.0.113.9", ("203.0.113.9",)),
        ("2001:db8:1:2:3:4:5:6", ("2001:db8:1:2::/64", "2001:db8:1::/48")),
        ("2001:db8:1:2:ffff::", ("2001:db8:1:2::/64", "2001:db8:1::/48")),
        ("2001:db8:1:3::1", ("2001:db8:1:3::/64", "2001:db8:1::/48")),
        ("fe80::1%eth0", ("fe80::/64", "fe80::/48")),
        ("unknown", ("unknown",)),
        ("", ("",)),
        ("2001:db8::1".ljust(1000, "0"), ("2001:db8::1".ljust(1000, "0"),)),
    ],
)
def test_ipv6_counts_in_two_networks_and_all_else_as_itself(
    address: str, found: tuple[str, ...]
) -> None:
    assert networks(address) == found


def test_the_wider_network_has_ten_times_the_limit() -> None:
    assert counts(LIMIT, "203.0.113.9") == [(LIMIT, "203.0.113.9")]
    assert counts(LIMIT, "2001:db8:1:2::1", of="ann") == [
        (LIMIT, "ann 2001:db8:1:2::/64"),
        (WIDE, "ann 2001:db8:1::/48"),
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:DB8::0001", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::1"),
        ("fe80::1%" + "x" * 100, None),
        ("203.0.113.9:80", None),
        ("unknown", None),
        ("", None),
    ],
)
def test_an_address_is_shown_in_its_shortest_form(text: str, shown: str | None) -> None:
    assert shown_address(text) == shown
