"""What `crm_rules.yaml` must find elsewhere: the codes that agents can say, and what they are asked beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from hotline.site.forms import CRM, CRM_RULES, Forms
from hotline.site.problem import Gravity, SiteProblem
from hotline.site.schema import DispositionForm

_NEEDS = {"order": ("amount", "an order without an amount is none"), "promise": ("promise", "a promise needs its day")}


def rule_troubles(forms: Forms) -> Iterator[SiteProblem]:
    page = forms.pages.get(CRM_RULES)
    if page is None or forms.crm_rules is None or forms.queues is None:
        return
    said = _said(forms)
    for code, rule in forms.crm_rules.dispositions.items():
        path = ("dispositions", code)
        if code not in said:
            hint = f"codes: {', '.join(sorted(said)) or 'none'}"
            yield replace(page.problem(path, f"no queue has a disposition '{code}'", hint), gravity=Gravity.WARNING)
        for form in said.get(code, ()):
            asked, why = _NEEDS.get(rule.becomes, ("", ""))
            if asked and not getattr(form, asked):
                yield page.problem((*path, "becomes"), why, f"give '{code}' {asked}: true in queues.yaml")
                break
    for where, place, region in forms.crm_rules.places_twice():
        yield page.problem(where, f"'{place}' is in the region '{region}' already")
    yield from _dealers(forms)


def _said(forms: Forms) -> Mapping[str, list[DispositionForm]]:
    found: dict[str, list[DispositionForm]] = {}
    for queue in (forms.queues.root if forms.queues is not None else {}).values():
        for form in queue.dispositions.values():
            found.setdefault(form.code, []).append(form)
    return found


def _dealers(forms: Forms) -> Iterator[SiteProblem]:
    """A dealer in a region without places gets no leads by themselves."""
    page = forms.pages.get(CRM)
    if page is None or forms.crm is None or forms.crm_rules is None or not forms.crm_rules.regions:
        return
    for code, dealer in forms.crm.dealers.items():
        if dealer.region not in forms.crm_rules.regions:
            hint = f"regions: {', '.join(sorted(forms.crm_rules.regions))}"
            problem = page.problem(("dealers", code, "region"), f"crm_rules.yaml has no region '{dealer.region}'", hint)
            yield replace(problem, gravity=Gravity.WARNING)
