"""Each strategy's order, from the state that the store keeps."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from acd.own_strategy import StrategyError, load, try_out
from acd.requirement import Requirement
from acd.strategies import ALL_STRATEGIES, IdleAgent, chosen, random
from acd.tickets import Ticket
from hotline.site.init import init_site
from hotline.site.loading import judge_site
from tests.fakes.paper_centre import PaperCentre, agent, at_once, queue


def order_of(strategy: str, *agents: IdleAgent) -> list[str]:
    key = ALL_STRATEGIES[strategy]
    return [extension for _, extension in sorted((key(agent), agent.extension) for agent in agents)]


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("longest_idle", ["3", "1", "2"]),
        ("linear", ["1", "2", "3"]),
        ("round_robin", ["2", "3", "1"]),
        ("fewest_calls", ["3", "1", "2"]),
        ("least_occupied", ["2", "1", "3"]),
    ],
)
def test_the_order(strategy: str, expected: list[str]) -> None:
    agents = (
        IdleAgent("1", 1e9 + 20, offered_at=90, answered=4, occupancy=0.5),
        IdleAgent("2", 1e9 + 30, offered_at=10, answered=4, occupancy=0.4),
        IdleAgent("3", 1e9 + 10, offered_at=40, answered=3, occupancy=0.9),
    )
    assert order_of(strategy, *agents) == expected


def test_random_is_fair_and_repeatable() -> None:
    first = Counter(
        min((random(agent), agent.extension) for agent in (IdleAgent(str(n), 1e9 + spell) for n in range(1001, 1005)))[
            1
        ]
        for spell in range(4000)
    )
    assert all(850 < first[str(n)] < 1150 for n in range(1001, 1005)), first
    assert random(IdleAgent("1001", 1e9)) == random(IdleAgent("1001", 1e9))


def test_only_the_orders_that_are_used_are_kept() -> None:
    assert list(chosen({"linear", "best_skill"})) == ["linear", "best_skill"]


def serve(centre: PaperCentre, name: str, seconds: float = 10.0) -> str:
    """One call from its offer to the agent being idle again: who had it."""
    ticket: Ticket = centre.join(name)
    assert ticket.offer is not None
    extension = ticket.offer.agent
    centre.talk(ticket)
    centre.pass_time(seconds)
    centre.hang_up(ticket)
    centre.pass_time(1)
    at_once(centre.router.tick())
    return extension


def centre_with(strategy: str) -> PaperCentre:
    centre = PaperCentre([agent(f"100{n}") for n in (1, 2, 3)], [queue(strategy=strategy, wrap_up_s=0)])
    centre.staff()
    return centre


def test_round_robin_goes_round() -> None:
    centre = centre_with("round_robin")
    assert [serve(centre, f"c{n}") for n in range(6)] == ["1001", "1002", "1003"] * 2


def test_fewest_calls_counts_from_the_log_in() -> None:
    centre = centre_with("fewest_calls")
    assert {serve(centre, f"c{n}") for n in range(3)} == {"1001", "1002", "1003"}
    at_once(centre.router.log_out("1003"))
    at_once(centre.router.log_in("1003"))
    assert serve(centre, "c9") == "1003"


def test_least_occupied_evens_the_time_not_the_calls() -> None:
    centre = centre_with("least_occupied")
    assert [serve(centre, "long", 600), serve(centre, "short", 5), serve(centre, "other", 5)] == [
        "1001",
        "1002",
        "1003",
    ]
    assert {serve(centre, f"c{n}", 5) for n in range(4)} == {"1002", "1003"}


def test_best_skill_takes_the_best_and_a_refusal_the_next_best() -> None:
    agents = [agent("1001", laptop=60), agent("1002", laptop=90), agent("1003", laptop=90, trainee=50), agent("1004")]
    centre = PaperCentre(agents, [queue("sales", "laptop >= 50 and not trainee >= 60", strategy="best_skill")])
    centre.staff()
    assert serve(centre, "c1") == "1002"
    assert serve(centre, "c2", 2) == "1003"  # 1002 wraps up; that 1003 is a trainee is nothing that was asked for
    assert serve(centre, "c3") == "1001"


def test_what_a_requirement_asks_for() -> None:
    bound = Requirement.parse("($language >= 50 or english) and not trainee").bind({"language": "mandarin"})
    assert bound.skills == {"mandarin", "english"}


def _own(folder: Path, body: str) -> Path:
    path = folder / "mine.py"
    path.write_text(body)
    return path


def test_an_admins_own_strategy_ranks_the_agents(tmp_path: Path) -> None:
    mine = load(_own(tmp_path, "def mine(agent):\n    return -int(agent.extension)\n"))
    centre = PaperCentre([agent("1001"), agent("1002")], [queue(strategy="own:mine")], strategies={"own:mine": mine})
    centre.staff()
    ticket = centre.join("c1")
    assert ticket.offer is not None
    assert ticket.offer.agent == "1002"


@pytest.mark.parametrize(
    "body",
    [
        "def mine(agent):\n    while True: pass\n",
        "def mine(agent):\n    return float('nan')\n",
        "def mine(agent):\n    return 'first'\n",
        "def mine(agent):\n    raise RuntimeError('no')\n",
        "def mine(agent):\n    return True\n",
    ],
)
def test_a_strategy_that_fails_is_found_before_and_survived_live(tmp_path: Path, body: str) -> None:
    path = _own(tmp_path, body)
    with pytest.raises(StrategyError):
        try_out(path)
    mine = load(path)
    centre = PaperCentre([agent("1001"), agent("1002")], [queue(strategy="own:mine")], strategies={"own:mine": mine})
    centre.staff("1002", "1001")
    ticket = centre.join("c1")
    assert ticket.offer is not None
    assert ticket.offer.agent == "1002"  # as by longest_idle
    for _ in range(3):
        mine(IdleAgent("1001", 0.0))
    assert mine.failure


@pytest.mark.parametrize("body", ["def other(agent): return 1", "def mine(agent) return", "import nothing_like_it"])
def test_what_is_no_strategy_is_told_to_its_author(tmp_path: Path, body: str) -> None:
    with pytest.raises(StrategyError):
        load(_own(tmp_path, body))


def test_check_tries_it_out(tmp_path: Path) -> None:
    init_site(tmp_path / "site")
    path = tmp_path / "site" / "queues.yaml"
    path.write_text(path.read_text("utf-8").replace("strategy: longest_idle #", "strategy: own:mine #"), "utf-8")
    (problem,) = judge_site(tmp_path / "site").problems
    assert "there is no strategies/mine.py" in problem.message
    (tmp_path / "site" / "strategies").mkdir()
    _own(tmp_path / "site" / "strategies", "def mine(agent):\n    return agent.nothing\n")
    (problem,) = judge_site(tmp_path / "site").problems
    assert (problem.file, "AttributeError" in problem.message) == ("queues.yaml", True)
    _own(tmp_path / "site" / "strategies", "def mine(agent):\n    return agent.answered\n")
    assert judge_site(tmp_path / "site").problems == ()
