"""What people may set of a customer, by the same rules as in `crm.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import typer
from pydantic import ValidationError

from crm_bridge.card.noting import FIELDS
from hotline.site.crm_book import CustomerForm
from hotline.site.site import Site


def read_fields(said: Sequence[str], site: Site) -> dict[str, str]:
    """``tier=gold`` → {"tier": "gold"}; a value may be empty. Or the end of the command, with what is wrong."""
    values: dict[str, str] = {}
    for each in said:
        field, equals, value = each.partition("=")
        field, value = field.strip(), value.strip()
        if not equals or field not in FIELDS:
            raise typer.BadParameter(f"'{each:.80}' is no FIELD=VALUE; fields: {', '.join(FIELDS)}")
        if field in values:
            raise typer.BadParameter(f"{field} is said twice")
        values[field] = _checked(field, value, site) if value else ""
    return values


def _checked(field: str, value: str, site: Site) -> str:
    try:
        CustomerForm.model_validate({"name": "x", field: value})
    except ValidationError as error:
        raise typer.BadParameter(f"{field}: {error.errors()[0]['msg']}") from error
    known = _known(site).get(field)
    if known and value not in known:
        raise typer.BadParameter(f"there is no {field} '{value}'; there are {', '.join(known)}")
    return value


def _known(site: Site) -> Mapping[str, Sequence[str]]:
    """What the site knows all of; without regions in its rules anything may be one."""
    return {"owner": [*site.agents], "language": [*site.languages], "region": [*site.crm_rules.regions]}


def overruled(site: Site, number: str, values: Mapping[str, str]) -> Iterator[str]:
    """What `crm.yaml` says counts again when an engine starts: so it must be changed there too."""
    form = site.crm.customers.get(number)
    for field, value in values.items():
        written = getattr(form, field, None) if form is not None else None
        if written is not None and written != value:
            yield f"crm.yaml says {field} '{written}' of {number}: the next engine that starts sets that again"
