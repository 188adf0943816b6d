from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.requirement import DEEPEST, LONGEST, Requirement, RequirementError

MING = {"laptop": 60, "printer": 0, "mandarin": 90}


def met(text: str, skills: dict[str, int] | None = None, **attributes: str) -> bool:
    return Requirement.parse(text).bind(attributes).met_by(MING if skills is None else skills)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("any", True),
        ("laptop", True),
        ("printer", False),  # level 0 is known, and not > 0
        ("printer = 0", True),
        ("printer == 0", True),
        ("laptop >= 60", True),
        ("laptop > 60", False),
        ("laptop <= 59", False),
        ("laptop != 60", False),
        ("laptop and english", False),
        ("laptop or english", True),
        ("english or laptop and printer", False),  # and binds tighter
        ("(english or laptop) and mandarin", True),
        ("not english and laptop", True),  # not binds tightest
        ("not not laptop", True),
        ("NOT english AND laptop", True),
        ("any and laptop>=50", True),
        ("  laptop\n and\tmandarin>=90 ", True),
    ],
)
def test_what_a_requirement_asks(text: str, expected: bool) -> None:
    assert met(text) is expected


@pytest.mark.parametrize("op", [">=", "<=", ">", "<", "=", "==", "!="])
def test_every_comparison_with_a_skill_the_agent_has_not_is_false(op: str) -> None:
    assert not met(f"english {op} 50")
    assert met(f"not english {op} 50")  # two-valued above: `not trainee` is everybody who is none


def test_a_variable_stands_for_the_skill_it_names() -> None:
    assert met("$language >= 80", language="mandarin")
    assert not met("$language >= 80", language="english")
    assert not met("$language")
    assert not met("$language < 50")  # undefined, whatever the operator
    assert met("not $language")


def test_a_variables_value_is_never_read_as_language() -> None:
    assert not met("$language", language="english or mandarin")
    assert met("$language", {"a b": 1}, language="a b")


def test_what_it_names() -> None:
    requirement = Requirement.parse("laptop > 1 and ($product or not $language) and laptop < 90")
    assert requirement.variables == ("language", "product")
    assert requirement.skills == ("laptop",)


def test_bound_alike_is_equal() -> None:
    one = Requirement.parse("$language>=50").bind({"language": "english", "product": "laptop"})
    other = Requirement.parse("english >= 50").bind({})
    assert one == other
    assert hash(one) == hash(other)
    assert str(one) == "english >= 50"


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("laptop >=", 10),
        ("laptop >= 101", 11),
        ("laptop >= 99999999999999999999", 11),
        ("laptop >= fifty", 11),
        ("laptop printer", 8),
        ("laptop >= 50 >= 10", 14),
        ("and laptop", 1),
        ("(laptop", 8),
        ("laptop)", 7),
        ("laptop or", 10),
        ("50 < laptop", 1),
        ("laptop & printer", 8),
        ("laptop ; printer", 8),
        ("laptop >= -1", 11),
        ("$", 1),
        ("()", 2),
        ("not", 4),
        ("laptop => 1", 9),
    ],
)
def test_what_is_wrong_and_where(text: str, column: int) -> None:
    with pytest.raises(RequirementError) as caught:
        Requirement.parse(text)
    assert caught.value.column == column


@pytest.mark.parametrize("text", ["(" * (DEEPEST + 1) + "a" + ")" * (DEEPEST + 1), "not " * 100 + "a", "a " * LONGEST])
def test_nothing_nests_or_grows_without_end(text: str) -> None:
    with pytest.raises(RequirementError):
        Requirement.parse(text)


@given(st.text(alphabet="abn()<>=!$ 0159andortny\n;", max_size=60))
def test_any_text_is_a_requirement_or_an_error_with_a_column(text: str) -> None:
    column = 1
    try:
        Requirement.parse(text).bind({"a": "b"}).met_by({"a": 50, "b": 1})
    except RequirementError as error:
        column = error.column
    assert 1 <= column <= len(text) + 1


LEAVES = st.builds(
    lambda name, op, level: f"{name} {op} {level}",
    st.sampled_from(["laptop", "printer", "english"]),
    st.sampled_from([">", "<", ">=", "<=", "==", "!="]),
    st.integers(0, 100),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(lambda a: f"not ({a})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    ),
    max_leaves=12,
)


class _Undefined:
    """Python's own reading of the text, with a skill that is false in every comparison."""

    __hash__ = None  # type: ignore[assignment]

    def _never(self, _: object) -> bool:
        return False

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _never  # type: ignore[assignment]


@given(TREES, st.dictionaries(st.sampled_from(["laptop", "printer", "english"]), st.integers(0, 100)))
def test_it_means_what_python_would_read(text: str, skills: dict[str, int]) -> None:
    names = {name: skills.get(name, _Undefined()) for name in ("laptop", "printer", "english")}
    expected = bool(eval(text, {"__builtins__": {}}, names))  # noqa: S307 (our own grammar)
    assert met(text, skills) is expected
    bound = Requirement.parse(text).bind({})
    assert Requirement.parse(str(bound)).bind({}).met_by(skills) is expected
