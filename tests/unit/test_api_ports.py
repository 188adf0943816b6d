"""The API's port among the site's others."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from hotline.site.init import init_site
from hotline.site.loading import load_site
from hotline.site.problem import SiteError


def written(folder: Path, **said: object) -> Path:
    init_site(folder)
    file = folder / "site.yaml"
    site = yaml.safe_load(file.read_text())
    site["ports"] |= said.pop("ports", {})  # type: ignore[operator]
    file.write_text(yaml.safe_dump({**site, **said}, allow_unicode=True))
    return folder


@pytest.mark.parametrize("other", ["agi", "ami", "metrics"])
def test_a_port_that_another_has_is_refused(tmp_path: Path, other: str) -> None:
    with pytest.raises(SiteError, match=r"port 7777 is .* already"):
        load_site(written(tmp_path / "site", ports={"api": 7777, other: 7777}))


def test_a_site_has_an_api_only_where_it_names_a_port(tmp_path: Path) -> None:
    assert load_site(written(tmp_path / "a")).ports.api == 8080
    assert load_site(written(tmp_path / "b", ports={"api": None})).ports.api is None


@pytest.mark.parametrize("origin", ["*", "https://crm.example.com/", "crm.example.com", "https://a b", "null"])
def test_what_is_no_origin_is_refused(tmp_path: Path, origin: str) -> None:
    assert load_site(written(tmp_path / "a", api={"origins": ["https://crm.example.com:8443"]})).api_origins
    with pytest.raises(SiteError, match="origins"):
        load_site(written(tmp_path / "b", api={"origins": [origin]}))
