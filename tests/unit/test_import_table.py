"""A file as rows and columns: its encoding, its delimiter, its lines, and what is wrong with its heading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.importing import values
from crm_bridge.importing.bring import NOUNS
from crm_bridge.importing.column import Column, Sheet, read_sheet
from crm_bridge.importing.house import House
from crm_bridge.importing.problem import SHOWN, Problems
from crm_bridge.importing.table import Unreadable, read_table

COLUMNS = (
    Column("number", values.key, "", required=True),
    Column("name", values.label(20), "", required=True),
    Column("placed_on", values.day, ""),
)
TEXT = "number,name\n1,王芳\n2,Zoë\n"


def sheet_of(
    text: str | bytes, renamed: Mapping[str, str] | None = None, ignored: Sequence[str] = ()
) -> tuple[Sheet | None, list[str]]:
    problems = Problems()
    data = text.encode() if isinstance(text, str) else text
    found = read_sheet(read_table(data), COLUMNS, problems, renamed=renamed, ignored=ignored)
    assert problems.count == len(problems.first)
    return found, [str(problem) for problem in problems.first]


def read(text: str) -> Sheet:
    found, problems = sheet_of(text)
    assert found is not None
    assert problems == []
    return found


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (b"\xef\xbb\xbf" + TEXT.encode(), "utf-8"),
        (TEXT.encode("gb18030"), "gb18030"),
        (TEXT.encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-16"),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("utf-16-be"), "utf-16-be"),
    ],
)
def test_the_encoding_is_found(data: bytes, encoding: str) -> None:
    table = read_table(data)
    assert (table.encoding, [list(row) for row in table.rows]) == (encoding, [["1", "王芳"], ["2", "Zoë"]])
    assert table.heading == ["number", "name"]


def test_an_encoding_that_is_named_counts_and_is_told_where_it_is_wrong() -> None:
    assert read_table("number,name\n1,Zoë\n".encode("cp1252"), encoding="cp1252").rows[0][1] == "Zoë"
    with pytest.raises(Unreadable, match="line 3 is not utf-8"):
        read_table("a,b\n1,x\n2,Zoë\n".encode("cp1252"), encoding="utf-8")
    with pytest.raises(Unreadable, match="no encoding 'klingon'"):
        read_table(b"a", encoding="klingon")
    with pytest.raises(Unreadable, match="neither UTF-8 nor GB18030"):
        read_table(b"number,name\n1,\xff\xff\xff\n")


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_that_of_the_heading(mark: str) -> None:
    table = read_table(
        f"number{mark}phones{mark}name\n1{mark}1;2,3|4\n".replace(f"{mark}1;2", f'{mark}"1;2').encode()[:-1] + b'"'
    )
    assert (table.delimiter, table.heading) == (mark, ["number", "phones", "name"])
    assert table.rows[0][1] == "1;2,3|4"


def test_a_delimiter_that_is_named_counts() -> None:
    assert read_table(b"a^b,c\n1^2\n", delimiter="^").heading == ["a", "b,c"]
    assert read_table(b"a;b,c,d\n", delimiter="semicolon").heading == ["a", "b,c,d"]
    with pytest.raises(Unreadable, match="one character"):
        read_table(b"a,b", delimiter="::")


def test_lines_are_those_of_the_file() -> None:
    found, problems = sheet_of(
        '\nnumber,name,placed_on\n\n1,"a ""quoted"" one",\n2,"two\nlines",2026-11-24\n,,\n3,c,x\n'
    )
    assert found is not None
    assert problems == [
        "row 5, name: 'two·lines' has a control character in it (U+000A): take it out",
        "row 8, placed_on: 'x' is no day: write it as 2026-11-24",
    ]
    assert found.rows("name") == [(4, 'a "quoted" one')]


def test_a_quote_that_never_ends_is_told() -> None:
    with pytest.raises(Unreadable, match="a quote is missing that ends a cell"):
        read_table(b'a,b\n1,"x\n2,y\n')
    with pytest.raises(Unreadable, match=r"line 2: .* written twice"):
        read_table(b'a,b\n1,"x"y"\n')
    with pytest.raises(Unreadable, match="nothing in it"):
        read_table(b"\n\n")


def test_a_heading_is_read_kindly() -> None:
    assert read(" Number ,NAME,placed on\n1,a,2026/11/24\n").given == {"number", "name", "placed_on"}


def test_what_is_wrong_with_a_heading_is_told_all_at_once() -> None:
    found, problems = sheet_of("numbr,name,name,nomber\n1,a,b,c\n")
    assert found is None
    assert problems == [
        "row 1, 'nomber': there is no such column; the nearest is 'number' (--map number=nomber, or --ignore nomber)",
        "row 1, 'numbr': there is no such column; the nearest is 'number' (--map number=numbr, or --ignore numbr)",
        "row 1, name: stands there twice: leave one out",
        "row 1, number: is missing (or say which one it is: --map number=THEIRS)",
    ]


def test_columns_may_be_renamed_and_ignored() -> None:
    found, problems = sheet_of("客户号,name,note\n7,a,x\n", {"number": "客户号"}, ["note"])
    assert problems == []
    assert found is not None
    assert found.rows("number", "name", "placed_on") == [(2, "7", "a", None)]
    _, problems = sheet_of("number,name\n", {"numbr": "x", "placed_on": "date"})
    assert problems == [
        "row 1, : x".replace(", : x", ": --map numbr=…: there is no column 'numbr'; the nearest is 'number'"),
        "row 1, date: is not in the file (--map placed_on=date)",
    ]


def test_a_column_that_is_renamed_leaves_its_name_free() -> None:
    found, problems = sheet_of("name,title,number\na,b,1\n", {"name": "title"}, ["name"])
    assert problems == []
    assert found is not None
    assert found.rows("name") == [(2, "b")]


def test_all_that_is_wrong_with_a_row_is_told_and_it_counts_for_nothing() -> None:
    found, problems = sheet_of("number,name,placed_on\n1,a,\nx y,,24\n2\n3,b,,\n4,c,\n")
    assert found is not None
    assert [problem.split(":")[0] for problem in problems] == [
        "row 3, name",
        "row 3, number",
        "row 3, placed_on",
        "row 4",
        "row 5",
    ]
    assert found.rows("number") == [(2, "1"), (6, "4")]


def test_the_first_hundred_are_kept_and_all_are_counted() -> None:
    text = "number,name,placed_on\n" + "".join(f"{nr},a,never\n" for nr in range(30_000))
    problems = Problems()
    read_sheet(read_table(text.encode()), COLUMNS, problems)
    assert problems.count == 30_000
    assert [problem.row for problem in problems.first] == list(range(2, SHOWN + 2))


def test_a_cell_that_is_huge_is_told_or_refused() -> None:
    _, problems = sheet_of(f"number,name\n1,{'x' * 100_000}\n")
    assert problems == [f"row 2, name: '{'x' * 40}…' has 100000 characters; at most 20"]
    with pytest.raises(Unreadable, match="line 3: a cell has more than"):
        read_table(f'number,name\n1,a\n2,"{"x" * 200_000}"\n'.encode())


def test_a_nul_is_told() -> None:
    _, problems = sheet_of(b"number,name\n1,a\x00b\n\x00,c\n")
    assert [problem[:12] for problem in problems] == ["row 2, name:", "row 3, numbe"]


@given(
    cells=st.lists(st.lists(st.text(max_size=8), min_size=3, max_size=3), max_size=8),
    encoding=st.sampled_from(["utf-8", "gb18030"]),
)
def test_any_text_is_a_table_or_told_not_to_be_one(cells: list[list[str]], encoding: str) -> None:
    text = "number,name,placed_on\n" + "\n".join(",".join(row) for row in cells)
    try:
        table = read_table(text.encode(encoding, "replace"))
    except Unreadable:
        return
    problems = Problems()
    found = read_sheet(table, COLUMNS, problems)
    assert found is not None
    assert len(found.rows("number")) + len(found.bad) == len(table.rows)
    assert bool(problems.count) == bool(found.bad)


@pytest.mark.parametrize("noun", NOUNS)
def test_every_column_says_what_it_is(noun: str) -> None:
    columns = NOUNS[noun].columns(House(codes=("zh", "en")))
    assert all(column.help for column in columns)
    assert len({column.name for column in columns}) == len(columns)
    assert columns[0].required or noun == "costs"
