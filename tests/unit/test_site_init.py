"""`hotline init`: private, never with a known secret, never over something; and a sample that can serve everybody."""

from __future__ import annotations

import itertools
import os
import stat
from pathlib import Path

import pytest

from acd.requirement import Requirement
from hotline.site.init import NotEmpty, init_site
from hotline.site.loading import load_site
from hotline.site.site import Ports


def test_everything_is_private_from_its_birth(tmp_path: Path) -> None:
    before = os.umask(0)  # the worst umask there is
    try:
        files = init_site(tmp_path / "site")
    finally:
        os.umask(before)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    folders = [tmp_path / "site", *(path for path in (tmp_path / "site").iterdir() if path.is_dir())]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}


def test_no_secret_is_drawn_twice(tmp_path: Path) -> None:
    init_site(tmp_path / "one")
    init_site(tmp_path / "two")
    sites = [load_site(tmp_path / "one"), load_site(tmp_path / "two")]
    secrets = [agent.sip_secret for site in sites for agent in site.agents.values()]
    secrets += [phone.sip_secret for site in sites for phone in site.phones.values()]
    assert len(set(secrets)) == len(secrets) == 20
    assert len({agent.pin for site in sites for agent in site.agents.values()}) > 6


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(NotEmpty):
        init_site(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_file_in_the_folders_place_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("mine")
    with pytest.raises(NotEmpty):
        init_site(tmp_path / "site")


def test_ports_and_name_are_taken(tmp_path: Path) -> None:
    ports = Ports(sip=6060, agi=6573, ami=6038, rtp=(20000, 20199))
    init_site(tmp_path / "site", name="家电行", ports=ports)
    site = load_site(tmp_path / "site")
    assert (site.name, site.ports) == ("家电行", ports)


@pytest.mark.parametrize(("queue", "language"), list(itertools.product(["sales", "service"], ["mandarin", "english"])))
def test_every_queue_has_two_specialists_for_every_language(tmp_path: Path, queue: str, language: str) -> None:
    init_site(tmp_path / "site")
    site = load_site(tmp_path / "site")
    first_step = Requirement.parse(site.queues[queue].steps[0].require).bind({"language": language})
    members = [spec for spec in site.agent_specs.values() if queue in spec.queues]
    assert sum(first_step.met_by(spec.skills) for spec in members) >= 2
