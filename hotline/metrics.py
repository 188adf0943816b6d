"""What Prometheus may read, on a loopback port: the queues and agents of now, and today's figures.

The scrape is answered in a thread of the library's own, from the last picture that the engine has handed over: it looks
at nothing that lives, and a slow scraper holds nobody up. Counters begin anew at the site's midnight, which Prometheus
takes for a restart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from acd.figures import AgentFigures, QueueFigures, VisitEnd
from acd.model import Presence
from acd.views import AgentView, QueueView

_NOW = ("waiting", "ringing", "talking", "staffed", "idle")


@dataclass(frozen=True, slots=True)
class Picture:
    """The centre at one instant. ``calls``: all that are in the house; ``events_lost``: not written to the log."""

    queues: Sequence[QueueView] = ()
    agents: Sequence[AgentView] = ()
    queues_today: Mapping[str, QueueFigures] = field(default_factory=dict)
    agents_today: Mapping[str, AgentFigures] = field(default_factory=dict)
    calls: int = 0
    asterisk_up: bool = False
    journal_waiting: int = 0
    events_lost: int = 0


class MetricsPort(Collector):
    """Raises OSError when the port is taken. Set ``picture`` as often as you like."""

    def __init__(self, host: str, port: int) -> None:
        self.picture = Picture()
        registry = CollectorRegistry()
        registry.register(self)
        self._server, self._thread = start_http_server(port, host, registry)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def collect(self) -> Iterator[Metric]:
        picture = self.picture
        yield GaugeMetricFamily("hotline_asterisk_up", "1 while the engine sees Asterisk", picture.asterisk_up)
        yield GaugeMetricFamily("hotline_calls", "Calls in the house", picture.calls)
        yield GaugeMetricFamily("hotline_journal_waiting", "Entries not in the CRM yet", picture.journal_waiting)
        yield CounterMetricFamily("hotline_events_lost", "Events that could not be written", picture.events_lost)
        yield from _of_queues_now(picture.queues)
        yield from _of_queues_today(picture.queues_today)
        yield from _of_agents(picture)


def _of_queues_now(queues: Sequence[QueueView]) -> Iterator[Metric]:
    now = GaugeMetricFamily("hotline_queue_now", "Calls and agents of a queue now", labels=["queue", "what"])
    longest = GaugeMetricFamily("hotline_queue_longest_wait_seconds", "Of those who wait now", labels=["queue"])
    for queue in queues:
        for what in _NOW:
            now.add_metric([queue.name, what], getattr(queue, what))
        longest.add_metric([queue.name], queue.longest_wait_s)
    yield now
    yield longest


def _of_queues_today(today: Mapping[str, QueueFigures]) -> Iterator[Metric]:
    offered = CounterMetricFamily("hotline_queue_offered", "Calls that came into the queue today", labels=["queue"])
    ended = CounterMetricFamily("hotline_queue_ended", "How they left it", labels=["queue", "end"])
    in_time = CounterMetricFamily("hotline_queue_answered_in_time", "Within the service level", labels=["queue"])
    waited = CounterMetricFamily("hotline_queue_answer_wait_seconds", "Waited by the answered", labels=["queue"])
    for name, one in today.items():
        offered.add_metric([name], one.offered)
        in_time.add_metric([name], one.in_time)
        waited.add_metric([name], one.waited_s)
        for end in VisitEnd:
            ended.add_metric([name, end.value], one.ends[end])
    yield from (offered, ended, in_time, waited)


def _of_agents(picture: Picture) -> Iterator[Metric]:
    now = GaugeMetricFamily("hotline_agents", "Agents by what they do", labels=["doing"])
    doing = Counter(
        view.engagement.value if view.presence is Presence.AVAILABLE or view.call_id else view.presence.value
        for view in picture.agents
    )
    for what, count in doing.items():
        now.add_metric([what], count)
    yield now
    answered = CounterMetricFamily("hotline_agent_answered", "Conversations today", labels=["agent"])
    talked = CounterMetricFamily("hotline_agent_talk_seconds", "In conversations today", labels=["agent"])
    missed = CounterMetricFamily("hotline_agent_missed", "Offers missed today", labels=["agent", "why"])
    for extension, one in picture.agents_today.items():
        answered.add_metric([extension], one.answered)
        talked.add_metric([extension], one.talk_s)
        for why, count in one.missed.items():
            missed.add_metric([extension, why], count)
    yield from (answered, talked, missed)
