"""Costs by how much is stored: the tool fills what it says, and draws what it measured."""

import json
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from chat_bench.commands import chat_bench
from chat_bench.plan import Filling

SHORT = ("--seconds", "0.5", "--warmup", "0.1", "--rounds", "1")
SMALL = ("--messages", "2,30", "--users", "100,120", "--pairs", "3", "--sent", "200")


def measured(subject: str, folder: Path) -> Any:
    arguments = ["flat", subject, *SMALL, *SHORT, "--plots", str(folder), "--json", "-"]
    result = CliRunner().invoke(chat_bench, arguments)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    ("subject", "sizes"),
    [
        ("send", ["2", "30"]),
        pytest.param("sync", ["2", "30"], marks=pytest.mark.prove),
        pytest.param("login", ["100", "120"], marks=pytest.mark.prove),
        ("search", ["100", "120"]),
        pytest.param("ids", ["100", "120"], marks=pytest.mark.prove),
    ],
)
def test_a_cost_is_measured_at_each_size_and_drawn(
    subject: str, sizes: list[str], tmp_path: Path
) -> None:
    compared = measured(subject, tmp_path)["costs"][subject]["compared"]

    assert [each["target"] for each in compared] == sizes
    for each in compared:
        assert each["server_cpu_us_each"]["median"] > 0
    drawn = (tmp_path / f"flat-{subject}.svg").read_text()
    assert set(sizes) <= set(re.findall(r"<text[^>]*>([^<]*)</text>", drawn))
    assert drawn.count("<circle") == len(sizes)


def test_memory_is_followed_until_so_many_messages_are_sent(tmp_path: Path) -> None:
    points = measured("memory", tmp_path)["memory"]["points"]

    assert points[0][0] == 0
    assert points[-1][0] >= 200
    assert all(mib > 10 for _, mib in points)
    assert (tmp_path / "flat-memory.svg").read_text().count("<circle") == len(points)


def test_a_database_is_filled_as_the_service_would_have(tmp_path: Path) -> None:
    file = tmp_path / "chat.db"
    filling = Filling(
        path=str(file), users=6, conversations=2, messages=5, content_bytes=40, password="p" * 8
    )

    subprocess.run(
        [sys.executable, "-m", "chat_bench.filling"], input=msgspec.json.encode(filling), check=True
    )

    with sqlite3.connect(file) as stored:
        assert stored.execute("SELECT count(*) FROM users").fetchone() == (6,)
        logs = stored.execute("SELECT conversation_pk, group_concat(seq) FROM messages GROUP BY 1")
        assert [places for _, places in logs] == ["1,2,3,4,5"] * 2
        # The two write in turn, so that each has read what came before their own.
        read = stored.execute("SELECT read_seq FROM members ORDER BY conversation_pk, read_seq")
        assert read.fetchall() == [(4,), (5,), (4,), (5,)]
    stored.close()


@pytest.mark.parametrize("sizes", ["10,x", "10,5", "0,10", "7,7"])
def test_sizes_that_do_not_ascend_are_refused(sizes: str) -> None:
    result = CliRunner().invoke(chat_bench, ["flat", "send", "--messages", sizes])

    assert result.exit_code == 2
    assert "--messages" in result.stderr
