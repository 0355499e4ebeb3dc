"""By which address a request is counted."""

import pytest

from chat_server.addresses import counted_address

PEER = "192.0.2.1"


@pytest.mark.parametrize(
    ("forwarded", "proxies", "counted"),
    [
        ([], 0, PEER),
        (["10.0.0.1"], 0, PEER),
        ([], 1, PEER),
        (["10.0.0.1"], 1, "10.0.0.1"),
        (["6.6.6.6, 10.0.0.1"], 1, "10.0.0.1"),
        (["6.6.6.6", "10.0.0.1"], 1, "10.0.0.1"),
        (["6.6.6.6, 10.0.0.1, 10.0.0.2"], 2, "10.0.0.1"),
        (["10.0.0.1"], 2, "10.0.0.1"),
        ([" , ,"], 1, PEER),
    ],
)
def test_an_address_is_what_the_trusted_proxies_saw(
    forwarded: list[str], proxies: int, counted: str
) -> None:
    assert counted_address(PEER, forwarded, proxies) == counted


@pytest.mark.parametrize(
    ("entry", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("203.0.113.9:4712", "203.0.113.9"),
        ('"203.0.113.9:4711"', "203.0.113.9"),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ('"[2001:db8::1]:443"', "2001:db8::1"),
        ("[fe80::1%eth0]:443", "fe80::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("[::ffff:203.0.113.9]:443", "203.0.113.9"),
    ],
)
def test_ports_brackets_and_quotes_do_not_make_another_address(entry: str, counted: str) -> None:
    assert counted_address(PEER, [f"6.6.6.6, {entry}"], 1) == counted


@pytest.mark.parametrize(
    "entry",
    [
        "unknown",
        "_hidden",
        "chat.example:443",
        "x" * 1000,
        "1:" * 1000,
        "203.0.113.256",
        "203.0.113.9:port",
        "203.0.113.9:123456",
        "[2001:db8::1",
        "[2001:db8::1]443",
        "[203.0.113.9",
        "2001:db8::1:zz",
        "\ufffd",
        '"',
        "[]",
        ":443",
    ],
)
def test_what_is_no_address_counts_as_the_peers(entry: str) -> None:
    assert counted_address(PEER, [entry], 1) == PEER


@pytest.mark.parametrize(
    ("peer", "counted"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("a test client", "a test client"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_the_peers_address_is_written_in_one_way(peer: str | None, counted: str) -> None:
    assert counted_address(peer, [], 0) == counted
