"""`hotline demo-data`: a sample company in the site's store, to look at every list and report. The engine need not be
up; it should not be, where real calls come in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated

import typer

from acd.event_log import EventLog
from acd.events import AcdEvent, EventKind
from acd.setup import packed
from crm_bridge.demo.company import Clerk, Company, Line, Wish
from crm_bridge.demo.making import Made, NotHere, make_company
from crm_bridge.fold import UNKNOWN_SOURCE
from crm_bridge.store import SourceName
from hotline.commands.crm_access import change_crm
from hotline.commands.showing import DEFAULT_SITE, JsonOption, SiteOption, out, refuse, say, show_json, site_of
from hotline.settings import SiteFolders
from hotline.site.site import Site

_DAY_S = 86_400
_UNTIL_HELP = "The last moment of it, by the site's clock; the hour that has begun when left out."


def demo_data(
    days: Annotated[int, typer.Option(min=7, max=3660, help="So many days, up to now.")] = 90,
    calls: Annotated[int, typer.Option(min=1, max=1_000_000, help="So many calls in them.")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, max=10**9, help="Another one makes another company.")] = 1,
    until: Annotated[datetime | None, typer.Option(help=_UNTIL_HELP)] = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="Also into a store that has calls.")] = False,
    site: SiteOption = DEFAULT_SITE,
    as_json: JsonOption = False,
) -> None:
    """Fill the store with a sample company: its calls, and all that came of them."""
    loaded, folders = site_of(site)
    wish = Wish(_until(until, loaded), days, calls, seed)
    company = company_of(loaded)
    if not company.queues or not company.lines:
        refuse("the site has no numbers, or no queue that an agent serves: nobody could call, or answer", 78)
    try:
        made = change_crm(loaded, folders, partial(make_company, company=company, wish=wish, anyway=anyway))
    except NotHere as error:
        refuse(str(error))
    told = _write_events(loaded, folders, made, wish)
    _show(made, told, as_json)


def company_of(site: Site) -> Company:
    agents = [agent.spec for agent in site.agents.values()]
    return Company(
        lines=[Line(one.number, one.source or UNKNOWN_SOURCE, one.campaign or "") for one in site.numbers.values()],
        clerks=[Clerk(spec.extension, spec.name, sorted(spec.queues)) for spec in agents if spec.queues],
        sources=[SourceName(source.id, source.name, source.kind) for source in site.media.values()],
        languages=list(site.languages),
        rules=site.crm_rules,
        last_steps={name: len(queue.steps) - 1 for name, queue in site.queues.items()},
    )


def _until(said: datetime | None, site: Site) -> datetime:
    here = datetime.now(site.timezone).replace(minute=0) if said is None else said.replace(tzinfo=site.timezone)
    return here.replace(second=0, microsecond=0).astimezone(UTC)


def _write_events(site: Site, folders: SiteFolders, made: Made, wish: Wish) -> int:
    """For the reports of a day. None where an engine has written its own: a log has one order."""
    if folders.events.exists() and any(folders.events.glob("*.jsonl")):
        return 0
    log = EventLog(folders.events, wish.days + site.keep.events_days)
    events = list(_with_setups(site, made.events, wish))
    for event in events:
        log.append(event)
    log.close()
    return len(events)


def _with_setups(site: Site, events: Sequence[AcdEvent], wish: Wish) -> Iterator[AcdEvent]:
    """An engine that begins anew each night, so that nobody has to read further back than a day."""
    first = (wish.until - timedelta(days=wish.days)).timestamp()
    nights = iter(_midnights(site, first, wish.until.timestamp()))
    setup = packed({e: a.spec for e, a in site.agents.items()}, site.queues, site.routing.priority_class_s)
    night = next(nights, None)
    for event in events:
        while night is not None and night <= event.at:
            yield AcdEvent(EventKind.SETUP, night, fields=setup)
            night = next(nights, None)
        yield event


def _midnights(site: Site, first: float, last: float) -> Iterable[float]:
    day = datetime.fromtimestamp(first, site.timezone).replace(hour=0, minute=0, second=0, microsecond=0)
    while day.timestamp() <= last:
        yield day.timestamp()
        day += timedelta(days=1)


def _show(made: Made, told: int, as_json: bool) -> None:
    if as_json:
        show_json([{"rows": made.rows, "events": told}])
        return
    counts = ", ".join(f"{count} {table.replace('_', ' ')}" for table, count in made.rows.items())
    say(f"A sample company is there: {counts}.")
    if not told:
        out.print("The ACD's event log has something in it and was left alone: the reports of a day do not know of it.")
