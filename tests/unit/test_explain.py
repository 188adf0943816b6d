"""`hotline explain`: every agent's reasons, at the moment of the decision."""

from __future__ import annotations

from urllib.request import urlopen

from acd.explain import Decision, explain
from acd.figures import Figures
from acd.model import Miss, PhoneState, StepSpec
from hotline.metrics import MetricsPort, Picture
from hotline.sip.ports import free_tcp_port
from tests.fakes.paper_centre import PaperCentre, agent, at_once, queue


def decisions(centre: PaperCentre, call_id: str) -> list[Decision]:
    return [one for one in explain(centre.events, call_id) if isinstance(one, Decision)]


def reasons(decision: Decision) -> dict[str, list[str]]:
    return {one.extension: [reason.what for reason in one.out] for one in decision.candidates}


def test_every_candidate_has_their_reason() -> None:
    centre = PaperCentre(
        [
            agent("1001", laptop=90),
            agent("1002", laptop=20),
            agent("1003", ["service"], laptop=90),
            agent("1004", laptop=90),
            agent("1005", laptop=90),
            agent("1006", laptop=90),
            agent("1007"),
            agent("1008", laptop=90),
        ],
        [queue("sales", StepSpec("laptop >= 50", 30), "any", wrap_up_s=60), queue("service")],
    )
    at_once(centre.router.start())
    centre.staff("1001", "1002", "1003", "1005", "1006", "1007", "1008")
    at_once(centre.router.pause("1005", "lunch"))
    centre.router.phone("1006", PhoneState.BUSY)
    busy, refused = centre.join("busy"), centre.join("refused")
    centre.talk(busy)
    centre.hang_up(busy)
    wrap_up_until = centre.clock.now + 60
    at_once(centre.router.missed(refused.offer, Miss.NO_ANSWER))  # type: ignore[arg-type]
    mine = centre.join("mine", joined_at=centre.clock.now + 0.1)
    (told,) = decisions(centre, "mine")
    assert told.agent == ""
    assert reasons(told) == {
        "1001": ["wrap-up"],
        "1002": ["skill laptop 20 is not >= 50"],
        "1003": ["not in queue sales"],
        "1004": ["logged out"],
        "1005": ["paused (lunch)"],
        "1006": ["phone busy"],
        "1007": ["no skill laptop"],
        "1008": ["rests after a missed call"],
    }
    by_extension = {one.extension: one for one in told.candidates}
    assert by_extension["1001"].out[0].until == wrap_up_until
    assert (told.place, told.requirement, told.step) == (2, "laptop >= 50", 0)
    centre.pass_time(6)
    at_once(centre.router.tick())
    assert mine.offer is not None  # who has missed a call would rather have another one
    at_once(centre.router.leave(mine))
    again = decisions(centre, "refused")[-1]
    assert again.agent == "1008"
    assert again.candidates[0].keys[0] == ("refused before", 1.0)


def test_what_was_chosen_by_its_keys() -> None:
    centre = PaperCentre(
        [agent("1001", laptop=90), agent("1002", laptop=50), agent("1003", laptop=90)],
        [queue("sales", "laptop", strategy="best_skill")],
    )
    at_once(centre.router.start())
    centre.staff("1002", "1003")
    centre.pass_time(5)
    centre.staff("1001")
    centre.join("c1")
    (told,) = decisions(centre, "c1")
    assert told.agent == "1003"
    able = [(one.extension, dict(one.keys)["skill"]) for one in told.candidates]
    assert able == [("1003", -90.0), ("1001", -90.0), ("1002", -50.0)]


def test_prometheus_reads_the_same_figures() -> None:
    centre = PaperCentre([agent("1001"), agent("1002")])
    at_once(centre.router.start())
    centre.staff()
    ticket = centre.join("c1")
    centre.talk(ticket)
    centre.hang_up(ticket)
    centre.join("c2")
    figures = Figures()
    for event in centre.events:
        figures.hear(event)
    now = centre.clock.now
    number = free_tcp_port()
    port = MetricsPort("127.0.0.1", number)
    try:
        port.picture = Picture(
            at_once(centre.router.queues()), at_once(centre.router.agents()), figures.queues(now), figures.agents(now)
        )
        text = urlopen(f"http://127.0.0.1:{number}/metrics", timeout=5).read().decode()
    finally:
        port.close()
    assert 'hotline_queue_offered_total{queue="sales"} 2.0' in text
    assert 'hotline_queue_ended_total{end="answered",queue="sales"} 1.0' in text
    assert 'hotline_queue_now{queue="sales",what="ringing"} 1.0' in text
    assert 'hotline_agent_answered_total{agent="1001"} 1.0' in text
    assert "hotline_asterisk_up 0.0" in text
