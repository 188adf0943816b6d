"""The API's own process, and the tokens that it asks for: made, listed and revoked from a terminal."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from hotline.cli import app
from hotline.sip.ports import free_site_ports
from hotline.site.init import init_site
from hotline.site.loading import load_site


@pytest.fixture
def site(tmp_path: Path) -> Path:
    init_site(tmp_path / "site", ports=free_site_ports(usual_first=False))
    return tmp_path / "site"


def token(site: Path, *words: str, code: int = 0) -> Any:
    done = CliRunner().invoke(app, ["token", *words, "--site", str(site)])
    assert done.exit_code == code, done.output
    return done


def start(site: Path) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "hotline.api.process", "--site", str(site)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@contextmanager
def served(site: Path) -> Iterator[tuple[httpx.Client, subprocess.Popen[str]]]:
    process = start(site)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{load_site(site).ports.api}") as client:
            _wait_for(client, process)
            yield client, process
    finally:
        process.kill()
        process.communicate()


def _wait_for(client: httpx.Client, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        try:
            if client.get("/health").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)  # the process has no other sign
    raise AssertionError("not up within 30 s")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_token_opens_the_door_until_it_is_revoked_and_the_process_ends_when_told(site: Path) -> None:
    made = token(site, "make", "shop", "--scope", "customers:read", "--scope", "lists:read").stdout.strip()
    with served(site) as (client, process):
        assert client.get("/v1/customers").status_code == 401
        assert client.get("/v1/customers", headers=bearer(made)).json() == {"items": [], "next": None}
        assert client.get("/v1/lists/missed", headers=bearer(made)).json()["items"] == []
        assert client.post("/v1/customers", json={"name": "x"}, headers=bearer(made)).status_code == 403
        token(site, "revoke", "shop")
        assert client.get("/v1/customers", headers=bearer(made)).status_code == 401
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "GET /v1/customers 200" in log
    assert made not in log


def test_agents_of_the_site_may_be_given_work_and_nobody_else(site: Path) -> None:
    made = token(site, "make", "shop", "--scope", "*:write").stdout.strip()
    agent = next(iter(load_site(site).agents))
    with served(site) as (client, _):
        for me, status in ((agent, 404), ("9876", 422)):
            path = "/v1/lists/items/promise-4711/take"
            assert client.post(path, json={"me": me}, headers=bearer(made)).status_code == status


def test_a_process_without_a_database_answers_that_the_store_is_away(site: Path) -> None:
    with served(site) as (client, _):
        answer = client.get("/v1/customers", headers=bearer("hl_x"))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_a_taken_port_is_75_and_told(site: Path) -> None:
    port = load_site(site).ports.api
    assert port is not None
    with socket.create_server(("127.0.0.1", port)):
        process = start(site)
        _, said = process.communicate(timeout=30)
    assert (process.returncode, "change ports.api" in said) == (75, True)


def test_a_site_that_cannot_be_used_is_78(site: Path) -> None:
    settings = (site / "site.yaml").read_text().splitlines()
    (site / "site.yaml").write_text("\n".join(line for line in settings if not line.startswith("  api:")))
    process = start(site)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, "give it ports.api" in said) == (78, True)
    (site / "site.yaml").write_text("nothing: of this\n")
    process = start(site)
    assert (process.wait(30), "site.yaml" in process.communicate()[1]) == (78, True)


def test_tokens_are_listed_without_their_secret(site: Path) -> None:
    assert "none" in token(site, "list").output
    made = token(site, "make", "shop", "--scope", "orders:write", "--scope", "*:read")
    secret = made.stdout.strip()
    assert secret.startswith("hl_")  # and nothing else on stdout: it goes into a file by >
    assert "\n" not in secret
    listed = token(site, "list", "--json")
    row = json.loads(listed.stdout)
    assert (row["name"], row["scopes"], row["revoked_at"]) == ("shop", ["*:read", "orders:write"], None)
    assert secret not in listed.output + token(site, "list").output
    assert secret.encode() not in b"".join(file.read_bytes() for file in site.rglob("crm.db*"))
    assert "is revoked" in token(site, "revoke", "shop").output
    assert "was revoked before" in token(site, "revoke", "shop").output
    assert json.loads(token(site, "list", "--json").stdout)["revoked_at"].endswith("Z")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("make", "Shop!", "--scope", "*:read"), 2, "no name for a token"),
        (("make", "shop", "--scope", "customer:read"), 2, "did you mean customers:read?"),
        (("make", "shop"), 2, "scope"),
        (("revoke", "nobody"), 1, "hotline token list"),
    ],
)
def test_what_cannot_be_done_is_told(site: Path, words: tuple[str, ...], code: int, told: str) -> None:
    assert told in token(site, *words, code=code).output


def test_a_name_is_one_tokens_for_ever(site: Path) -> None:
    token(site, "make", "shop", "--scope", "*:read")
    token(site, "revoke", "shop")
    assert "another name" in token(site, "make", "shop", "--scope", "*:read", code=2).output
