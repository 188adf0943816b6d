"""What callers think of us: the marks given in the period, by question; and how many have left a spoken comment.

csat, 1-5: the top marks are 4 and 5, the bottom ones 1 and 2. nps, 0-10: promoters give 9 or 10, detractors 0-6; the
NPS is the share of the ones less that of the others, in points.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Subquery, and_, func, or_, select

from crm_bridge.entry import SURVEY
from crm_bridge.models import calls, surveys, tasks
from crm_bridge.reporting.ledger import LINE, Key, Ledger, label
from crm_bridge.reporting.period import Period
from crm_bridge.reporting.report import Check, Report, agreed, summed
from crm_bridge.reporting.sums import ratio

NPS = "nps"
COMMENT = "(comment)"
_STATES = ("open", "done")
_MARKS = ("top", "middle", "bottom", "off_scale")
_SUMS = ("n", *_MARKS, "comments")
_SHOWN = ("at", "call_id", "name", "score", "agent", "queue", "media_source")
_SPOKEN = ("opened_at", "call_id", "fields", "agent", "queue", "media_source")


class Among(StrEnum):
    AGENT = "agent"
    QUEUE = "queue"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Surveys:
    """By agent: who is in the call's row, the last to have spoken with the caller. ``nps``: the questions whose marks
    are 0-10; a question of that very name always is. ``names``: of agents."""

    period: Period
    by: Among = Among.AGENT
    nps: Collection[str] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    def ledgers(self) -> Sequence[Ledger]:
        marks, comments = self._marks(), self._comments()
        return (
            Ledger(marks, {self.by.value: LINE, "question": "name"}, _SHOWN, {"n": None, **self._conditions(marks)}),
            Ledger(comments, {self.by.value: LINE}, _SPOKEN, {"comments": None}),
        )

    def _conditions(self, marks: Subquery) -> Mapping[str, ColumnElement[bool]]:
        score, is_nps = marks.c.score, marks.c.name.in_([NPS, *self.nps])
        of_nps = {"top": (9, 10), "middle": (7, 8), "bottom": (0, 6)}
        of_csat = {"top": (4, 5), "middle": (3, 3), "bottom": (1, 2)}
        places = {
            place: or_(and_(is_nps, score.between(*of_nps[place])), and_(~is_nps, score.between(*of_csat[place])))
            for place in of_nps
        }
        return {**places, "off_scale": and_(*(~place for place in places.values()))}

    def _line(self) -> ColumnElement[Any]:
        return calls.c.media_source if self.by is Among.SOURCE else calls.c[self.by.value]

    def _marks(self) -> Subquery:
        columns = (
            *(surveys.c[name] for name in ("at", "call_id", "name", "score")),
            *_of_call(),
            self._line().label(LINE),
        )
        joined = surveys.outerjoin(calls, calls.c.call_id == surveys.c.call_id)
        return select(*columns).select_from(joined).where(self.period.within(surveys.c.at)).subquery("marks")

    def _comments(self) -> Subquery:
        columns = (tasks.c.opened_at, tasks.c.call_id, tasks.c.fields, *_of_call(), self._line().label(LINE))
        joined = tasks.outerjoin(calls, calls.c.call_id == tasks.c.call_id)
        known = tasks.c.state.in_(_STATES)  # the index begins with it
        return select(*columns).select_from(joined).where(*_comments_of(self.period), known).subquery("comments")

    def report(self, connection: Connection) -> Report:
        marks, comments = (ledger.counted(connection) for ledger in self.ledgers())
        sums = self._sums_of_scores(connection)
        lines = [self._line_of(key, marks[key], sums[key]) for key in sorted(marks, key=_in_order)]
        lines += [self._line_of((*key, COMMENT), comments[key], None) for key in sorted(comments, key=_in_order)]
        named = ("name",) if self.by is Among.AGENT else ()
        shown = ("question", "n", "mean", "share_top", "share_bottom", NPS, "off_scale", "comments")
        return Report(
            columns=(self.by.value, *named, *shown),
            lines=lines,
            checks=self._checks(connection, summed(lines, _SUMS)),
        )

    def _line_of(self, key: Key, figures: Mapping[str, Any], scores: int | None) -> dict[str, Any]:
        """``scores``: their sum; None for the line of the comments."""
        who, question = key
        named = {"name": self.names.get(who or "", "")} if self.by is Among.AGENT else {}
        line = {self.by.value: label(who), **named, "question": question, **dict.fromkeys(_SUMS, 0), **figures}
        return line if scores is None else {**line, **self._ratios(question, line, scores)}

    def _ratios(self, question: str, line: Mapping[str, Any], scores: int) -> dict[str, Any]:
        found = {
            "mean": ratio(scores, line["n"]),
            "share_top": ratio(line["top"], line["n"]),
            "share_bottom": ratio(line["bottom"], line["n"]),
        }
        is_nps = question == NPS or question in self.nps
        return {**found, NPS: _points(line)} if is_nps else found

    def _sums_of_scores(self, connection: Connection) -> Mapping[Key, int]:
        marks = self._marks()
        key = (marks.c[LINE], marks.c.name)
        found = connection.execute(select(*key, func.sum(marks.c.score)).group_by(*key))
        return {(who, question): int(scores) for who, question, scores in found}

    def _checks(self, connection: Connection, sums: Mapping[str, Any]) -> Sequence[Check]:
        given = select(func.count()).where(self.period.within(surveys.c.at))
        spoken = select(func.count()).where(*_comments_of(self.period))
        n, comments = (connection.execute(query).scalar_one() for query in (given, spoken))
        return [Check("marks", sum(sums[name] for name in _MARKS), n), *agreed(sums, {"n": n, "comments": comments})]


def _of_call() -> tuple[ColumnElement[Any], ...]:
    return calls.c.agent, calls.c.queue, calls.c.media_source


def _comments_of(period: Period) -> tuple[ColumnElement[bool], ...]:
    return tasks.c.kind == SURVEY, period.within(tasks.c.opened_at)


def _in_order(key: Key) -> tuple[tuple[bool, str], ...]:
    return tuple((part is None, part or "") for part in key)


def _points(line: Mapping[str, Any]) -> float | None:
    share = ratio(line["top"] - line["bottom"], line["n"])
    return None if share is None else round(share * 100, 1)
