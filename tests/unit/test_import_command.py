"""`hotline import`: files on disk, what is told of them, and exit codes. No Asterisk, no engine."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hotline.cli import app
from hotline.site.init import init_site

CUSTOMERS = "number,name,phones,region,owner\n70001,王芳,13800138001;02162345678,east,1001\n70002,李伟,13800138002,,\n"
ORDERS = "number;customer;placed on;status;product;price;quantity\nA1;70001;2026-11-24;paid;P1;10.50;2\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    init_site(tmp_path / "site")
    return tmp_path / "site"


def hotline(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})


def brought(site: Path, noun: str, text: str | bytes, *words: object) -> Any:
    file = site / f"{noun}.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return hotline("import", noun, file, "--site", site, *words)


def asked(site: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(site / "var" / "crm.db") as crm:
        return crm.execute(query).fetchall()


def test_a_file_is_taken_in_and_told_again_it_is_the_same(site: Path) -> None:
    first = brought(site, "customers", CUSTOMERS)
    assert first.exit_code == 0, first.output
    assert "2 rows (utf-8, comma)" in first.output
    assert "customers: 2 new, 0 changed, 0 the same" in first.output
    assert "customers: 0 new, 0 changed, 2 the same" in brought(site, "customers", CUSTOMERS).output
    assert asked(site, "SELECT number, name FROM customers ORDER BY number") == [("70001", "王芳"), ("70002", "李伟")]
    [(by,)] = asked(site, 'SELECT DISTINCT "by" FROM changes')
    assert by.startswith("import:customers.csv (")


def test_a_file_of_a_spreadsheet_in_chinese(site: Path) -> None:
    text = "客户号\t姓名\t备注\n70001\t王芳\tx\n".encode("gb18030")
    words = ("--map", "number=客户号", "--map", "name=姓名")
    refused = brought(site, "customers", text, *words)
    assert refused.exit_code == 1
    assert "row 1, '备注': there is no such column" in refused.stderr
    taken = brought(site, "customers", text, *words, "--ignore", "备注")
    assert taken.exit_code == 0, taken.output
    assert "1 rows (gb18030, tab)" in taken.output


def test_a_dry_run_says_what_would_come_of_it_and_makes_no_store(site: Path) -> None:
    result = brought(site, "customers", CUSTOMERS, "--dry-run")
    assert result.exit_code == 0
    assert "customers: 2 new, 0 changed, 0 the same" in result.output
    assert "70001: new" in result.output
    assert not (site / "var" / "crm.db").exists()
    brought(site, "customers", CUSTOMERS)
    result = brought(site, "customers", CUSTOMERS.replace("李伟", "李偉"), "--dry-run")
    assert "0 new, 1 changed, 1 the same" in result.output
    assert "70002, name: 李伟 → 李偉" in result.output
    assert asked(site, "SELECT name FROM customers WHERE number = '70002'") == [("李伟",)]


def test_problems_are_told_with_row_and_column_and_nothing_is_written(site: Path) -> None:
    result = brought(site, "customers", CUSTOMERS + "70003,,12,west,1001\n")
    assert result.exit_code == 1
    told = result.stderr.splitlines()
    assert told[0] == "row 4, name: is empty"
    assert told[1].startswith("row 4, phones: '12' is no telephone number of CN")
    assert told[2] == "row 4, region: 'west' is no region of crm_rules.yaml; the nearest is 'east'"
    assert told[3] == "hotline: 3 problems: nothing was written"
    assert asked(site, "SELECT count(*) FROM customers") == [(0,)]


def test_many_problems_are_counted(site: Path) -> None:
    text = "number,name\n" + "".join(f"{nr},\n" for nr in range(30))
    result = brought(site, "customers", text, "--show", 3)
    assert len(result.stderr.splitlines()) == 5
    assert "… and 27 more" in result.stderr
    assert "30 problems" in result.stderr


def test_as_json(site: Path) -> None:
    brought(site, "customers", CUSTOMERS)
    told = json.loads(brought(site, "orders", ORDERS, "--json").stdout)
    assert (told["rows"], told["new"], told["written"], told["delimiter"]) == (1, 1, True, ";")
    assert told["differences"] == [{"key": "A1", "field": "*", "before": None, "after": None}]
    again = json.loads(brought(site, "orders", ORDERS.replace("paid", "sent"), "--json").stdout)
    assert (again["problem_count"], again["problems"][0]["row"], again["problems"][0]["column"]) == (1, 2, "status")
    assert not again["written"]


def test_costs_are_of_the_sites_sources(site: Path) -> None:
    text = "source,campaign,begins_on,ends_on,amount\nnewspaper,autumn_laptops,2026-11-01,2026-11-07,12000\n"
    assert brought(site, "costs", text).exit_code == 0
    assert asked(site, "SELECT media_source, campaign, currency FROM media_costs") == [
        ("newspaper", "autumn_laptops", "CNY")
    ]
    result = brought(site, "costs", text.replace("newspaper", "newspapers"))
    assert "'newspapers' is no source of media.yaml; the nearest is 'newspaper'" in result.stderr
    assert "the nearest is 'autumn_laptops'" in brought(site, "costs", text.replace("laptops", "laptop")).stderr


@pytest.mark.parametrize("noun", ["customers", "orders", "shipments", "dealers", "costs"])
def test_columns_are_told(site: Path, noun: str) -> None:
    result = hotline("import", noun, "--columns", "--site", site)
    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "which file?"),
        (("none.csv",), "No such file"),
        (("site",), "is a directory"),
        (("a.csv", "--map", "number"), "OURS=THEIRS"),
        (("a.csv", "--delimiter", "::"), "one character"),
        (("a.csv", "--encoding", "klingon"), "no encoding 'klingon'"),
        (("empty.csv",), "nothing in it"),
        (("heading.csv",), "0 new, 0 changed, 0 the same"),
    ],
)
def test_what_cannot_be_read_is_told(
    site: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(site.parent)
    Path("a.csv").write_text(CUSTOMERS)
    Path("empty.csv").write_text("")
    Path("heading.csv").write_text("number,name\n")
    result = hotline("import", "customers", *words, "--site", site)
    assert said in result.output
    assert (result.exit_code == 0) == (words == ("heading.csv",))
    assert "Traceback" not in result.output
