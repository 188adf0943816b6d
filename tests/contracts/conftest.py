"""A CRM store, on either kind of database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crm_bridge.store import CrmStore
from tests.conftest import _new_file


@pytest.fixture
async def store(crm_url: str) -> AsyncIterator[CrmStore]:
    opened = CrmStore(crm_url, busy_s=0.05)
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite_store(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[CrmStore]:
    """For what is a file's alone: `crm.db` in the test's folder."""
    opened = CrmStore(_new_file(sqlite_template, tmp_path), busy_s=0.05)
    yield opened
    await opened.close()
