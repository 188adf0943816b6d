"""What is to be done, list by list, and who has taken on what. Each list is a function of a connection and of what is
`Wanted`; a line has a name (`items`), can be taken on (`working`) and closed (`finishing`)."""

from __future__ import annotations

from crm_bridge.work_lists.abandoned import Abandoned, last_abandoned
from crm_bridge.work_lists.lines import Line, Wanted
from crm_bridge.work_lists.surveys import SurveyRow, survey_answers
from crm_bridge.work_lists.tasks import TaskRow, open_tasks

__all__ = [
    "Abandoned",
    "Line",
    "SurveyRow",
    "TaskRow",
    "Wanted",
    "last_abandoned",
    "open_tasks",
    "survey_answers",
]
