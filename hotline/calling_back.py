"""Joins those who are to be called back to this engine: its router, its Asterisk, and what the last one had begun."""

from __future__ import annotations

import logging
from collections.abc import Callable

from acd.ami.pbx import Pbx
from acd.router import Router
from agi_scripts import variables
from agi_scripts.announcing import CallbackRules
from agi_scripts.callback import CallbackState, CallbackWish, callable_at
from agi_scripts.callbacks import STATE, Callbacks
from crm_bridge.callback_log import open_callbacks
from crm_bridge.journal import Journal
from hotline.site.site import Site
from ivr.may_call import may_be_called

log = logging.getLogger(__name__)

LONGEST_S = 32 * 86400.0  # no wish is older
DONE = frozenset({CallbackState.BRIDGED.value, CallbackState.GIVEN_UP.value})
_CONTEXT = "hotline-callback"


def make_callbacks(site: Site, router: Router, pbx: Pbx, journal: Journal, clock: Callable[[], float]) -> Callbacks:
    """The one place that dials a number which a caller has named; so the number is looked at once more."""
    shown = next(iter(site.numbers))

    async def dial(number: str, trunk: str, token: str, ring_s: float) -> str:
        if not may_be_called(number, (site.country,)):
            return "the number is none that we call"
        variable = f"{variables.CALLBACK}={token}"
        endpoint = f"{number}@{trunk}"
        return await pbx.ring_outside(endpoint, _CONTEXT, variable=variable, ring_s=ring_s, shown=shown)

    def now_callable(rules: CallbackRules) -> float:
        return callable_at(clock(), site.timezone, rules.open_at, rules.close_at)

    return Callbacks(router, journal, clock, dial, now_callable)


async def resume_callbacks(site: Site, callbacks: Callbacks, journal: Journal, now: float) -> None:
    for found in await open_callbacks(journal, STATE, DONE, now - LONGEST_S):
        wish = CallbackWish.unpacked(found.call_id, found.wish)
        rules = site.waiting[wish.queue].callback if wish.queue in site.waiting else None
        state = CallbackState(found.state)
        if rules is None:  # the site calls nobody back any more
            rules, state = CallbackRules(""), CallbackState.DIALLING
        log.info("call back for %s goes on", wish.call_id)
        await callbacks.resume(wish, rules, state, found.tries)
