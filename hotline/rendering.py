"""Site → the files that Asterisk reads, in `run/asterisk`, whole or not at all. Nothing there is edited by hand."""

from __future__ import annotations

import os
import sys

from dialplans.model import DialplanSpec, EngineDoor, NumberLine
from dialplans.render import folders as dialplan_folders
from dialplans.render import render
from hotline.asterisk_files import AsteriskPlace, AsteriskSpec, Phone, Trunk, render_asterisk
from hotline.asterisk_files import folders as asterisk_folders
from hotline.control import socket_folder
from hotline.prompting import music_folder
from hotline.settings import SiteFolders
from hotline.site.site import Site
from hotline.whole_file import write_whole
from ivr.prompts.shelf import PromptShelf


def asterisk_spec(site: Site, where: SiteFolders, place: AsteriskPlace, ami_secret: str) -> AsteriskSpec:
    phones = [Phone(ext, agent.sip_secret, agent.spec.name) for ext, agent in site.agents.items()]
    phones += [Phone(phone.extension, phone.sip_secret, phone.name) for phone in site.phones.values()]
    return AsteriskSpec(
        modules=place.modules,
        data=place.data,
        etc=str(where.asterisk.absolute()),
        var=str((where.var / "asterisk").absolute()),
        run=str(socket_folder(where.run)),
        ami_secret=ami_secret,
        music_folder=str(music_folder(where).absolute()),
        phones=tuple(phones),
        trunks=tuple(Trunk(trunk.name, trunk.match, trunk.host, trunk.port) for trunk in site.trunks),
        bind=site.bind,
        sip_port=site.ports.sip,
        ami_port=site.ports.ami,
        rtp=site.ports.rtp,
        behind_nat=site.asterisk.behind_nat,
        extra_modules=site.asterisk.extra_modules,
        codecs=site.asterisk.codecs,
        records=bool(site.recorded),
        confirms=any(queue.confirm for queue in site.queues.values()),
        supervised=any(agent.supervisor for agent in site.agents.values()),
        more_music=_more_music(where),
        cdrel=place.has("res_cdrel_custom.so"),
    )


def _more_music(where: SiteFolders) -> tuple[tuple[str, str], ...]:
    """Each folder in the site's `music` is a class of that name."""
    folder = (where.site / "music").absolute()
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return tuple((path.name, str(path)) for path in found if path.is_dir())


def dialplan_spec(site: Site, where: SiteFolders, shelf: PromptShelf, agi_secret: str) -> DialplanSpec:
    def sound(key: str) -> str:
        return shelf.path(key, site.default_language)

    return DialplanSpec(
        numbers=tuple(NumberLine(n.number, n.source or "", n.campaign or "") for n in site.numbers.values()),
        agents=tuple(site.agents),
        phones=tuple(site.phones),
        records=bool(site.recorded),
        lamps=tuple((typed, to.queue) for typed, to in site.destinations.items() if to.queue),
        engines=(EngineDoor(site.bind, site.ports.agi),),
        secret=agi_secret,
        fail_open=(sys.executable, "-I", "-m", "agi_scripts.standalone.fail_open"),
        fail_open_config=str((where.asterisk / "fail_open.json").absolute()),
        spool=str(where.spool.absolute()),
        voicemail=str(where.voicemail.absolute()),
        knocks=site.fail_open.knocks,
        knock_s=site.fail_open.knock_s,
        group=site.fail_open.group,
        group_s=site.fail_open.group_s,
        voicemail_max_s=site.fail_open.voicemail_max_s,
        hold_notice=sound("hold_notice"),
        voicemail_prompt=sound("voicemail_prompt"),
        extra_files=(str((where.site / "extensions_custom.conf").absolute()),),
    )


def write_files(
    site: Site, where: SiteFolders, place: AsteriskPlace, shelf: PromptShelf, *, agi_secret: str, ami_secret: str
) -> AsteriskSpec:
    """Render everything first, then write: a value that cannot be rendered leaves the old files. Raises SpecError."""
    spec = asterisk_spec(site, where, place, ami_secret)
    dialplan = dialplan_spec(site, where, shelf, agi_secret)
    files = render_asterisk(spec) | render(dialplan)
    for folder in (*asterisk_folders(spec), *dialplan_folders(dialplan), str(where.conversations)):
        os.makedirs(folder, mode=0o700, exist_ok=True)
    for name, text in files.items():
        write_whole(where.asterisk / name, text)
    return spec
