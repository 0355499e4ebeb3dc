"""What a server tells Prometheus."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.support.http_client import http_client

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def scraped(url: str, *, local_address: str = "127.0.0.1") -> Series:
    transport = httpx.AsyncHTTPTransport(local_address=local_address)
    async with http_client(transport=transport) as http:
        answer = await http.get(f"{url}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(series: Series, name: str, **labels: str) -> float:
    return series[name, frozenset(labels.items())]


def risen(before: Series, after: Series, name: str, **labels: str) -> float:
    return value(after, name, **labels) - before.get((name, frozenset(labels.items())), 0)
