"""What callers hear while they wait: from the form in queues.yaml to the rules."""

from __future__ import annotations

from agi_scripts.announcing import CallbackRules, WaitingRules
from hotline.site.schema import CallbackForm, QueueForm

_HOUR_S = 3600.0


def waiting_rules(form: QueueForm) -> WaitingRules:
    """Who may be called back is told so: without an ``announce`` of its own the queue speaks for that alone."""
    announce, callback = form.announce, _callback(form.callback)
    if announce is None:
        first_s = callback.after_s if callback is not None else None
        return WaitingRules(first_s, position=False, expected=False, music=form.music, callback=callback)
    return WaitingRules(
        announce.first_s,
        announce.every_s,
        announce.position,
        announce.expected,
        announce.choice,
        tuple(announce.messages),
        form.music,
        callback,
    )


def _callback(form: CallbackForm | None) -> CallbackRules | None:
    if form is None:
        return None
    return CallbackRules(
        form.trunk,
        form.after_s,
        form.expected_s,
        form.from_hour,
        form.to_hour,
        form.tries,
        form.again_s,
        form.ring_s,
        form.keep_hours * _HOUR_S,
    )
