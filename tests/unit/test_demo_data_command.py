"""`hotline demo-data`: what it says, what it refuses, and the event log beside the store. No Asterisk, no engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hotline.cli import app
from hotline.site.init import init_site

SMALL = ("--days", 14, "--calls", 400, "--seed", 3, "--until", "2026-11-24T18:00:00")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    init_site(tmp_path / "site")
    return tmp_path / "site"


def hotline(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})


def told(site: Path, *words: object) -> list[dict[str, Any]]:
    return [json.loads(line) for line in hotline(*words, "--json", "--site", site).stdout.splitlines()]


def test_a_site_that_has_never_been_up_gets_a_sample_company(site: Path) -> None:
    result = hotline("demo-data", "--site", site, *SMALL)
    assert result.exit_code == 0, result.output
    assert "400 calls" in result.output
    assert len(told(site, "calls", "--limit", 1000)) == 400
    media = told(site, "report", "media", "--since", "2026-11-11", "--until", "2026-11-24")
    assert {line.get("source") for line in media} >= {"tv_spot", "newspaper", "web_search", "unknown"}
    queues = told(site, "report", "queue-day", "--day", "2026-11-24")
    assert sum(queue["offered"] for queue in queues) > 0
    assert {agent["agent"] for agent in told(site, "report", "agent-day", "--day", "2026-11-24")} <= {
        *(str(extension) for extension in range(1001, 1011)),
    }
    answered = next(call for call in told(site, "calls", "--limit", 1000) if call["outcome"] == "answered")
    explained = hotline("explain", answered["call_id"], "--site", site)
    assert "answered" in explained.output
    assert "unreachable" not in explained.output


def test_it_refuses_to_stand_among_calls(site: Path) -> None:
    assert hotline("demo-data", "--site", site, *SMALL).exit_code == 0
    again = hotline("demo-data", "--site", site, *SMALL)
    assert again.exit_code == 1
    assert "another --seed" in again.output
    other = [3 if word == 4 else 4 if word == 3 else word for word in SMALL]
    refused = hotline("demo-data", "--site", site, *other)
    assert refused.exit_code == 1
    assert "--anyway" in refused.output
    taken = hotline("demo-data", "--site", site, *other, "--anyway")
    assert taken.exit_code == 0, taken.output
    assert "left alone" in taken.output
    assert len(told(site, "calls", "--limit", 1000)) == 800


def test_a_site_where_nobody_answers_is_told(site: Path) -> None:
    (site / "numbers.yaml").write_text("{}\n")
    result = hotline("demo-data", "--site", site, *SMALL)
    assert result.exit_code != 0
    assert "Traceback" not in result.output
