"""Who may ask the API what: tokens, scopes, wrong tries; on both kinds of database."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from crm_bridge.editing.act import Act, Clash, NotThere, Unfit
from crm_bridge.models import api_tokens, changes
from crm_bridge.store import CrmStore, StoreAway
from crm_bridge.tokens import SCOPES, all_tokens, draw_token, find_token, hash_of, make_token, revoke_token
from hotline.api.door import Buckets
from tests.contracts.asking import NOON, Api, Clock

ACT = Act("cli:anna", NOON)
FILLED = {"{id}": "1", "{e164}": "+8613800138000", "{number}": "1", "{code}": "1", "{call_id}": "c1", "{ref}": "r"}


def operations(api: Api) -> Iterator[tuple[str, str, str]]:
    """(method, an address of that route, the scope it says it takes), of every route."""
    for path, by_method in api.app.openapi()["paths"].items():
        for method, operation in by_method.items():
            address = re.sub(r"\{\w+\}", lambda found: FILLED.get(found[0], "voicemails"), path)
            yield method.upper(), address, operation["x-scope"]


async def test_without_a_token_everything_is_401(api: Api) -> None:
    nobody = api.client_of("")
    found = [*operations(api)]
    assert len(found) > 60
    for method, address, _ in [*found, ("GET", "/v1/nothing", ""), ("GET", "/v1", ""), ("TRACE", "/v1/customers", "")]:
        answer = await nobody.request(method, address, content=b"{bad")
        assert answer.status_code == 401, (method, address)
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="hotline"'
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.json()["where"] == "header.Authorization"


async def test_each_route_takes_its_own_scope_and_no_other(api: Api) -> None:
    for nr, scope in enumerate(sorted({scope for _, _, scope in operations(api)})):
        token = await api.new_token(f"t{nr}", [scope])
        rest = await api.new_token(f"r{nr}", sorted(SCOPES - {scope, "*:read", "*:write"}))
        for method, address, wanted in operations(api):
            if wanted != scope:
                continue
            answer = await api.client_of(rest).request(method, address)
            assert answer.status_code == 403, (method, address)
            assert f'scope="{scope}"' in answer.headers["WWW-Authenticate"]
            assert scope in answer.json()["detail"]
            answer = await api.client_of(token).request(method, address)
            assert answer.status_code not in (401, 403), (method, address)


async def test_to_write_is_not_to_read(api: Api) -> None:
    writer = api.client_of(await api.new_token("writer", ["*:write"]))
    assert (await writer.get("/v1/customers")).status_code == 403
    assert (await writer.post("/v1/customers", json={"name": "x"})).status_code == 201
    reader = api.client_of(await api.new_token("reader", ["*:read"]))
    assert (await reader.post("/v1/customers", json={"name": "x"})).status_code == 403
    assert (await reader.get("/v1/customers")).status_code == 200


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Basic {}", "{}", "Bearer hl_wrong", "Bearer {}x", "Bearer " + "x" * 5000]
)
async def test_what_is_no_token_is_401(api: Api, header: str) -> None:
    answer = await api.client_of("").get("/v1/customers", headers={"Authorization": header.format(api.token)})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_revoked_token_is_refused_at_once(api: Api) -> None:
    await api.get("/v1/customers")
    assert await api.store.write(partial(revoke_token, act=ACT, name="shop"))
    problem = await api.get("/v1/customers", 401)
    assert "revoked" in problem["detail"]


async def test_wrong_tries_of_one_address_are_slowed_down_and_nobody_else(api: Api) -> None:
    wrong = api.client_of("hl_wrong")
    codes = [(await wrong.get("/v1/customers")).status_code for _ in range(11)]
    assert codes == [401] * 10 + [429]
    answer = await wrong.get("/v1/customers")
    assert answer.headers["Retry-After"] == "6"
    assert answer.json()["status"] == 429
    assert (await api.client_of("hl_wrong", "192.0.2.2").get("/v1/customers")).status_code == 401
    other = await api.new_token("other", ["*:read"])
    assert (await api.client_of(other).get("/v1/customers")).status_code == 429  # it might as well be a guess
    assert (await api.client_of(other, "192.0.2.2").get("/v1/customers")).status_code == 200
    assert (await api.client_of(other).get("/v1/customers")).status_code == 200  # it has been right
    api.clock.now += 6
    assert (await wrong.get("/v1/customers")).status_code == 401
    assert (await wrong.get("/v1/customers")).status_code == 429


def test_a_bucket_fills_again_and_forgets_the_oldest_address() -> None:
    clock = Clock()
    buckets = Buckets(clock, at_once=2, every_s=10, most=2)
    for _ in range(2):
        assert buckets.wait_s("a") == 0
        buckets.take("a")
    assert buckets.wait_s("a") == 10
    clock.now += 4
    assert buckets.wait_s("a") == 6
    clock.now += 16
    buckets.take("b")
    buckets.take("c")
    assert len(buckets._full_at) == 2
    buckets.take("a")
    assert buckets.wait_s("a") == 0


async def test_the_use_of_a_token_is_told_once_a_minute(api: Api) -> None:
    async def last() -> Any:
        await api.settled()
        [row] = await api.rows(api_tokens)
        return row["last_used_at"]

    assert await last() is None
    await api.get("/v1/customers")
    assert await last() == NOON
    api.clock.now += 59
    await api.get("/v1/customers")
    assert await last() == NOON
    api.clock.now += 1
    await api.get("/v1/customers")
    assert (await last() - NOON).total_seconds() == 60


async def test_a_use_that_cannot_be_told_holds_nobody_up(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(_: Any) -> Any:
        raise StoreAway("locked")

    monkeypatch.setattr(api.store, "write", away)
    await api.get("/v1/customers")
    await api.settled()


async def test_a_token_is_kept_as_its_hash_and_told_to_nobody(store: CrmStore) -> None:
    token = draw_token()
    assert len(token) == len("hl_") + 43  # 256 bits
    assert draw_token() != token
    await store.write(partial(make_token, act=ACT, name="shop", token=token, scopes=["orders:write", "*:read"]))
    [found] = await store.read(all_tokens)
    assert (found.name, found.scopes, found.made_at) == ("shop", ("*:read", "orders:write"), NOON)
    assert found == await store.read(partial(find_token, token=token))
    assert await store.read(partial(find_token, token=hash_of(token))) is None
    rows = await store.read(lambda c: [*c.execute(api_tokens.select()), *c.execute(changes.select())])
    assert token not in str(rows)
    assert (found.may("orders:write"), found.may("orders:read"), found.may("leads:write")) == (True, True, False)


async def test_a_name_is_one_tokens_for_ever(store: CrmStore) -> None:
    make = partial(make_token, act=ACT, name="shop", scopes=["*:read"])
    await store.write(partial(make, token=draw_token()))
    assert await store.write(partial(revoke_token, act=ACT, name="shop"))
    assert not await store.write(partial(revoke_token, act=ACT, name="shop"))
    with pytest.raises(Clash):
        await store.write(partial(make, token=draw_token()))
    with pytest.raises(NotThere):
        await store.write(partial(revoke_token, act=ACT, name="nobody"))


@pytest.mark.parametrize(
    ("name", "scopes", "where", "hint"),
    [
        ("Shop!", ["*:read"], "name", "a-z"),
        ("x" * 41, ["*:read"], "name", "a-z"),
        ("shop", [], "scope", "customers:read"),
        ("shop", ["customer:read"], "scope", "did you mean customers:read?"),
        ("shop", ["calls:write"], "scope", "did you mean"),
        ("shop", ["*:*"], "scope", "one of"),
    ],
)
async def test_what_is_no_name_or_scope_is_refused(
    store: CrmStore, name: str, scopes: list[str], where: str, hint: str
) -> None:
    with pytest.raises(Unfit) as refused:
        await store.write(partial(make_token, act=ACT, name=name, token=draw_token(), scopes=scopes))
    assert refused.value.where == where
    assert hint in refused.value.hint


async def test_all_scopes_fit_into_one_token(store: CrmStore) -> None:
    token = draw_token()
    await store.write(partial(make_token, act=ACT, name="x" * 40, token=token, scopes=SCOPES))
    found = await store.read(partial(find_token, token=token))
    assert found is not None
    assert set(found.scopes) == SCOPES


async def test_the_log_has_no_number_and_no_token(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await api.customer(phones=["13800138000"])
        await api.get("/v1/customers/by-phone/+8613800138000")
        await api.get("/v1/customers", phone="+8613800138000")
        await api.get("/v1/customers/by-phone/13900139000", 404)
        await api.post("/v1/customers", {"name": "Wang Fang", "number": 13800138000}, 422)
        await api.client_of("hl_secret").get("/v1/customers/by-phone/13800138000")
    mine = [record for record in caplog.records if record.name.startswith(("hotline", "crm_bridge"))]
    told = "\n".join(f"{record.getMessage()} {record.exc_info or ''}" for record in mine)
    assert "GET /v1/customers/by-phone/{e164} 200" in told
    assert "shop" in told
    for secret in ("13800138000", "13900139000", "Wang", api.token, "hl_secret"):
        assert secret not in told


async def test_open_pages_need_no_token_and_tell_nothing_of_anybody(api: Api) -> None:
    await api.customer("Wang Fang")
    nobody = api.client_of("")
    assert (await nobody.get("/health")).json() == {"ok": True}
    schema = (await nobody.get("/openapi.json")).json()
    assert schema["openapi"].startswith("3.1")
    page = await nobody.get("/docs")
    assert "/v1/customers/by-phone/{e164}" in page.text
    assert "http" not in page.text.replace("doctype", "")  # nothing is loaded from anywhere
    assert "script" not in page.text
    assert "Wang" not in page.text
    for path in ("/redoc", "/", "//v1/customers", "/V1/customers"):
        assert (await nobody.get(path)).status_code == 404


def test_noon_is_what_it_says() -> None:
    assert datetime.fromtimestamp(Clock()(), UTC) == NOON
