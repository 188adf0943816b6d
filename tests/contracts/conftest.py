"""A CRM store, on either kind of database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from crm_bridge.rules import CrmRules
from crm_bridge.store import CrmStore
from tests.conftest import _new_file
from tests.contracts.asking import Api


@pytest.fixture
async def store(crm_url: str) -> AsyncIterator[CrmStore]:
    opened = CrmStore(crm_url, busy_s=0.05)
    yield opened
    await opened.close()


API_RULES = CrmRules(
    zone=ZoneInfo("Asia/Shanghai"),
    sla_s={"repair": 3600.0},
    regions={"east": ("+86571", "Shanghai")},
)


@pytest.fixture
async def api(crm_url: str) -> AsyncIterator[Api]:
    """The REST API, with a token that may do everything."""
    opened = CrmStore(crm_url, rules=API_RULES, busy_s=2.0)
    asked = Api(opened)
    await asked.start()
    yield asked
    await asked.close()
    await opened.close()


@pytest.fixture
async def sqlite_store(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[CrmStore]:
    """For what is a file's alone: `crm.db` in the test's folder."""
    opened = CrmStore(_new_file(sqlite_template, tmp_path), busy_s=0.05)
    yield opened
    await opened.close()
