"""YAML that a site may not hold: each told with file, line and key, and none of it built (invariants, bad input 9)."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotline.site.problem import SiteProblem
from hotline.site.reading import LARGEST, Page, read_page


def page_of(folder: Path, content: str | bytes) -> Page:
    (folder / "a.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_page(folder, "a.yaml")


def only(page: Page) -> SiteProblem:
    assert len(page.problems) == 1, page.problems
    return page.problems[0]


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("a: 1\n\tb: 2\n", 2, "a tab in the indentation"),
        ("a:\n  \t- 1\n", 2, "a tab in the indentation"),
        ("a: &x [1]\n", 1, "an anchor"),
        ("a: 1\nb: *x\n", 2, "an alias"),
        ("a: &x {}\nb:\n  <<: *x\n", 1, "an anchor"),
        ("a: !!python/object/apply:os.system ['true']\n", 1, "a tag"),
        ("a: !custom 1\n", 1, "a tag"),
        ("a: !!str 1\n", 1, "a tag"),
        ("a: 1\n---\nb: 2\n", 2, "a second document"),
        ("a: [1, 2\nb: 3\n", 2, "is not YAML"),
        ("a: 'open\n", 2, "is not YAML"),
        ("a: b: c\n", 1, "is not YAML"),
        ("a: 1\nb: \x00\n", 2, "a control character"),
        ("a: 1\n\x1b[31m: 2\n", 2, "a control character"),
        (b"a: 1\nb: \xff\xfe\n", 2, "is not UTF-8"),
        ("a: 1\n".encode("utf-16"), 1, "is not UTF-8"),
        ("{[1, 2]: 3}\n", 1, "cannot be a key"),
        ("[" * 50_000, 1, "nested deeper than"),
        ("a: " + "{b: " * 30 + "1" + "}" * 30, 1, "nested deeper than"),
        ("a: " + "9" * 5000, 1, "cannot be read"),
    ],
)
def test_it_is_refused_with_its_line(tmp_path: Path, content: str | bytes, line: int, message: str) -> None:
    problem = only(page_of(tmp_path, content))
    assert (problem.file, problem.line) == ("a.yaml", line)
    assert message in problem.message


def test_a_key_twice_names_both_lines(tmp_path: Path) -> None:
    problem = only(page_of(tmp_path, "a:\n  b: 1\n  c: 2\n  b: 3\n"))
    assert (problem.line, problem.key) == (4, "a.b")
    assert "first in line 2" in problem.message


def test_a_key_twice_is_found_however_it_is_quoted(tmp_path: Path) -> None:
    assert only(page_of(tmp_path, '1: a\n"1": b\n')).line == 2


def test_a_bomb_costs_nothing(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    assert only(page_of(tmp_path, "\n".join(lines))).line == 1


def test_a_file_of_10_mb_is_not_read_to_its_end(tmp_path: Path) -> None:
    page = page_of(tmp_path, b"#" * (10 * LARGEST))
    assert "larger than" in only(page).message
    assert page.content is None


def test_a_missing_file_is_a_problem_of_its_own(tmp_path: Path) -> None:
    problem = only(read_page(tmp_path, "not-there.yaml"))
    assert (problem.file, problem.line) == ("not-there.yaml", 0)
    assert "No such file" in problem.message


def test_all_duplicates_are_told_at_once(tmp_path: Path) -> None:
    assert [problem.line for problem in page_of(tmp_path, "a: 1\na: 2\nb: 3\nb: 4\n").problems] == [2, 4]


def test_keys_are_text_as_written_and_values_are_what_they_look_like(tmp_path: Path) -> None:
    page = page_of(tmp_path, "007: 7\nno: no\n2024-01-01: 2024-01-01\nnull: null\nx: [1.5, true, '1', ~]\n")
    assert page.content == {
        "007": 7,
        "no": "no",
        "2024-01-01": "2024-01-01",
        "null": None,
        "x": [1.5, True, "1", None],
    }
    assert not page.problems
    assert page.line(("x", "2")) == 5
    assert page.line(("x", "2", "deeper")) == 5


def test_a_byte_order_mark_and_an_empty_file_are_harmless(tmp_path: Path) -> None:
    assert page_of(tmp_path, b"\xef\xbb\xbfa: 1\n").content == {"a": 1}
    assert page_of(tmp_path, "# nothing\n").content is None


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.text(alphabet=string.printable + "：&*!é", max_size=200).map(str.encode))
def test_whatever_is_written_reading_never_raises(tmp_path: Path, content: bytes) -> None:
    page = page_of(tmp_path, content)
    assert page.content is None or isinstance(page.content, str | int | float | bool | list | dict)
    assert all(problem.message for problem in page.problems)


@pytest.mark.parametrize(
    ("directive", "content"), [("", "yes"), ("%YAML 1.2\n---\n", "yes"), ("%YAML 1.1\n---\n", True)]
)
def test_a_file_that_names_its_yaml_is_read_by_that(tmp_path: Path, directive: str, content: object) -> None:
    assert page_of(tmp_path, f"{directive}a: yes\n").content == {"a": content}


def test_a_version_of_yaml_that_is_none_is_refused(tmp_path: Path) -> None:
    [problem] = page_of(tmp_path, "%YAML 1.3\n---\na: 1\n").problems
    assert "version" in problem.message
