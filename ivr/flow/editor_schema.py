"""The JSON Schema of a flow's file, so that an editor completes keys and underlines mistakes while they are typed.

What is said in it is what `Flow` accepts, short forms included; what needs the rest of the site (are there such
prompts?) only `hotline check` can tell.
"""

from __future__ import annotations

from typing import Any

from ivr.flow.model import Flow

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def flow_schema() -> dict[str, Any]:
    """A new mapping each time. ``name`` is not in it: a flow is called as its file is."""
    schema = Flow.model_json_schema(mode="validation")
    del schema["properties"]["name"]
    schema["required"].remove("name")
    return {"$schema": _DIALECT, **schema, "title": "hotline flow"}
