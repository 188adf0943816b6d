"""Pages of YAML held against their schemas: a page becomes a form, or problems with file, line and key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hotline.site.crm_book import CrmBookForm
from hotline.site.crm_rules_form import CrmRulesForm
from hotline.site.problem import SiteProblem
from hotline.site.reading import Page, Plain, read_page
from hotline.site.schema import (
    AgentsForm,
    HoursBookForm,
    MediaSourcesForm,
    NumbersForm,
    OutsideBookForm,
    PhonesForm,
    QueuesForm,
    SiteForm,
    TrunksForm,
)
from ivr.flow.model import Flow
from ivr.prompts.text import PromptsForm

_Model = TypeVar("_Model", bound=BaseModel)

FLOWS = "flows"
OUTSIDE = "outside.yaml"
CRM, CRM_RULES = "crm.yaml", "crm_rules.yaml"  # need not be there
_TELLABLE = 40  # a longer pattern explains nothing


@dataclass(slots=True)
class Forms:
    """Every file of a site in its form; None where the file has problems. ``pages`` by file name, for the lines."""

    site: SiteForm | None = None
    numbers: NumbersForm | None = None
    media: MediaSourcesForm | None = None
    agents: AgentsForm | None = None
    queues: QueuesForm | None = None
    hours: HoursBookForm | None = None
    phones: PhonesForm | None = None
    trunks: TrunksForm | None = None
    outside: OutsideBookForm | None = None
    prompts: PromptsForm | None = None
    crm: CrmBookForm | None = None
    crm_rules: CrmRulesForm | None = None
    flows: dict[str, Flow | None] = field(default_factory=dict)
    pages: dict[str, Page] = field(default_factory=dict)
    problems: list[SiteProblem] = field(default_factory=list)


def read_forms(folder: Path) -> Forms:
    """Read all files of the site in ``folder``. Raises nothing for what an admin may have written."""
    forms = Forms()
    forms.site = _read(forms, folder, "site.yaml", SiteForm)
    forms.numbers = _read(forms, folder, "numbers.yaml", NumbersForm)
    forms.media = _read(forms, folder, "media.yaml", MediaSourcesForm)
    forms.agents = _read(forms, folder, "agents.yaml", AgentsForm)
    forms.queues = _read(forms, folder, "queues.yaml", QueuesForm)
    forms.hours = _read(forms, folder, "hours.yaml", HoursBookForm)
    forms.phones = _read(forms, folder, "phones.yaml", PhonesForm)
    forms.trunks = _read(forms, folder, "trunk.yaml", TrunksForm)
    forms.outside = (
        _read(forms, folder, OUTSIDE, OutsideBookForm)
        if (folder / OUTSIDE).exists()
        else OutsideBookForm.model_validate({})
    )
    forms.prompts = _read(forms, folder, "prompts.yaml", PromptsForm)
    forms.crm = _read(forms, folder, CRM, CrmBookForm) if (folder / CRM).exists() else CrmBookForm()
    there = (folder / CRM_RULES).exists()
    forms.crm_rules = _read(forms, folder, CRM_RULES, CrmRulesForm) if there else CrmRulesForm()
    for file in sorted((folder / FLOWS).glob("*.yaml")):
        forms.flows[file.stem] = _read_flow(forms, folder, file.stem)
    if not forms.flows:
        forms.problems.append(SiteProblem(FLOWS, 0, "", "there is no flow", "write flows/main.yaml"))
    return forms


def _read(forms: Forms, folder: Path, file: str, model: type[_Model]) -> _Model | None:
    page = _page(forms, folder, file)
    return None if page.problems else _checked(forms, page, model, page.content)


def _read_flow(forms: Forms, folder: Path, name: str) -> Flow | None:
    """A flow's name is its file's; the file does not say it again."""
    page = _page(forms, folder, f"{FLOWS}/{name}.yaml")
    if page.problems:
        return None
    if isinstance(page.content, dict) and "name" in page.content:
        forms.problems.append(page.problem(("name",), "unknown key", "a flow is called as its file is"))
        return None
    content = {**page.content, "name": name} if isinstance(page.content, dict) else page.content
    return _checked(forms, page, Flow, content)


def _page(forms: Forms, folder: Path, file: str) -> Page:
    page = read_page(folder, file)
    forms.pages[file] = page
    forms.problems += page.problems
    return page


def _checked(forms: Forms, page: Page, model: type[_Model], content: Plain) -> _Model | None:
    try:
        return model.model_validate({} if content is None else content)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        forms.problems += [_told(page, detail, model, content) for detail in details]
        return None


def _told(page: Page, detail: ErrorDetails, model: type[BaseModel], content: Plain) -> SiteProblem:
    """One of Pydantic's errors in the words of an admin."""
    kind, message, hint = detail["type"], detail["msg"].removeprefix("Value error, "), ""
    path = _real_path(content, detail["loc"], missing=kind == "missing")
    if kind == "missing":
        message = "is missing"
    elif kind == "extra_forbidden":
        message, hint = "unknown key", _nearest(str(path[-1]), model) if len(path) == 1 else ""
    elif kind == "string_type" and _is_number(content, path):
        message, hint = "must be a text", "put the digits between quotes"
    elif kind in ("model_type", "dict_type", "model_attributes_type"):
        message = "must be a mapping of keys and values"
    elif kind == "string_pattern_mismatch":
        pattern = str(detail.get("ctx", {}).get("pattern", ""))
        message = "holds characters that cannot stand here, or has a wrong length"
        hint = f"must match {pattern}" if len(pattern) <= _TELLABLE and pattern.isprintable() else ""
    return page.problem(path, message, hint)


def _nearest(key: str, model: type[BaseModel]) -> str:
    near = get_close_matches(key, model.model_fields, n=1)
    return f"did you mean '{near[0]}'?" if near else f"known: {', '.join(model.model_fields)}"


def _real_path(content: Plain, location: tuple[int | str, ...], *, missing: bool) -> tuple[int | str, ...]:
    """Pydantic's location without its own marks (a union's member, `[key]`), which are no keys of the file. Only what
    is ``missing`` ends in a key that is not there."""
    path: list[int | str] = []
    here: Plain = content
    for place, part in enumerate(location):
        if isinstance(here, dict) and str(part) in here:
            here = here[str(part)]
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
        elif not missing or place != len(location) - 1 or not isinstance(here, dict):
            continue
        path.append(part)
    return tuple(path)


def _is_number(content: Plain, path: tuple[int | str, ...]) -> bool:
    here: object = content
    for part in path:
        if isinstance(here, Mapping):
            here = here.get(str(part))
        elif isinstance(here, list) and isinstance(part, int):
            here = here[part]
    return isinstance(here, int | float) and not isinstance(here, bool)
