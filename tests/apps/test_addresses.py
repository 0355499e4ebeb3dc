"""By which address a request is counted."""

import pytest

from chat_server.addresses import counted_address


@pytest.mark.parametrize(
    ("forwarded", "proxies", "counted"),
    [
        ([], 0, "192.0.2.1"),
        (["10.0.0.1"], 0, "192.0.2.1"),
        ([], 1, "192.0.2.1"),
        (["10.0.0.1"], 1, "10.0.0.1"),
        (["6.6.6.6, 10.0.0.1"], 1, "10.0.0.1"),
        (["6.6.6.6", "10.0.0.1"], 1, "10.0.0.1"),
        (["6.6.6.6, 10.0.0.1, 10.0.0.2"], 2, "10.0.0.1"),
        (["10.0.0.1"], 2, "10.0.0.1"),
        ([" , ,"], 1, "192.0.2.1"),
        (["x" * 1000], 1, "x" * 64),
        (["10.0.0.1:4000"], 1, "10.0.0.1:4000"),
    ],
)
def test_an_address_is_what_the_trusted_proxies_saw(
    forwarded: list[str], proxies: int, counted: str
) -> None:
    assert counted_address("192.0.2.1", forwarded, proxies) == counted


@pytest.mark.parametrize(
    ("peer", "counted"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        (None, "unknown"),
    ],
)
def test_whoever_has_an_ipv6_network_has_one_address(peer: str | None, counted: str) -> None:
    assert counted_address(peer, [], 0) == counted
