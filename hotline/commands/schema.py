"""`hotline schema`: what an editor must know of a flow's file."""

from __future__ import annotations

import json

import typer

from ivr.flow.editor_schema import flow_schema


def schema() -> None:
    """The JSON Schema of flows/*.yaml, for an editor that completes and checks while you type."""
    typer.echo(json.dumps(flow_schema(), ensure_ascii=False, indent=2))
