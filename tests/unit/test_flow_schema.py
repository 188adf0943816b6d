"""The editor's schema agrees with what the loader takes: on the sample's flows, the docs' examples, and each spoilt."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from hotline.cli import app
from ivr.flow.editor_schema import flow_schema
from tests.unit.test_flow_site import EXAMPLES

SAMPLE = Path(__file__).resolve().parents[2] / "hotline" / "site" / "templates" / "flows" / "main.yaml"
FILES = {"main": SAMPLE.read_text("utf-8"), **EXAMPLES}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "number": (int, float)}


def fits(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    """The part of JSON Schema that the flow's uses."""
    if "$ref" in schema:
        return fits(value, root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root)
    for word in ("anyOf", "oneOf"):
        if word in schema and not any(fits(value, one, root) for one in schema[word]):
            return False
    if "type" in schema and not isinstance(value, TYPES.get(schema["type"], int)):
        return False
    if value != schema.get("const", value) or value not in schema.get("enum", [value]):
        return False
    if isinstance(value, str):
        return re.search(schema.get("pattern", ""), value) is not None
    if isinstance(value, list):
        return all(fits(item, schema.get("items", {}), root) for item in value)
    if isinstance(value, dict):
        return _fields_fit(value, schema, root)
    return not isinstance(value, int | float) or schema.get("minimum", value) <= value <= schema.get("maximum", value)


def _fields_fit(value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any]) -> bool:
    known, others = schema.get("properties", {}), schema.get("additionalProperties", {})
    patterns = list(schema.get("patternProperties", {}).values())
    other = patterns[0] if patterns else others
    fields_fit = all(
        fits(item, known[name], root) if name in known else other is not False and fits(item, other, root)
        for name, item in value.items()
    )
    return fields_fit and all(name in value for name in schema.get("required", ()))


def parsed(text: str) -> Any:
    """As an editor has it: JSON's keys are text."""
    return json.loads(json.dumps(YAML(typ="safe").load(text)))


def accepts(text: str) -> bool:
    schema = flow_schema()
    return fits(parsed(text), schema, schema)


@pytest.mark.parametrize("name", FILES)
def test_every_flow_we_show_is_accepted(name: str) -> None:
    assert accepts(FILES[name])


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("main", "start: welcome\n", ""),
        ("main", "start: welcome\n", "start: welcome\nname: main\n"),
        ("main", "kind: menu", "kind: menue"),
        ("main", "tries: 2", "tires: 2"),
        ("main", "tries: 2", "tries: 9"),
        ("main", "1: sales", "1: Sales!"),
        ("flows/order_line.yaml", "percent: 20", "percent: twenty"),
        ("flows/order_line.yaml", "[tv_spot, newspaper]", "{ tv_spot: newspaper }"),
        ("flows/order_line.yaml", "what: order_number", "what: order"),
        ("flows/order_status.yaml", '"{price}"', '"{price!r}"'),
    ],
)
def test_a_mistake_is_not(name: str, old: str, new: str) -> None:
    assert old in FILES[name]
    assert not accepts(FILES[name].replace(old, new, 1))


def test_the_command_prints_it() -> None:
    printed = CliRunner().invoke(app, ["schema"])
    assert printed.exit_code == 0
    assert json.loads(printed.stdout) == flow_schema()
