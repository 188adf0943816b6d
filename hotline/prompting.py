"""The site's prompts on their shelf: who speaks on this machine, and where the sounds lie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hotline.asterisk_files import read_place
from hotline.settings import SiteFolders, asterisk_env
from hotline.site.site import Site
from ivr.prompts.music import make_music
from ivr.prompts.recordings import Recordings
from ivr.prompts.shelf import Made, PromptShelf
from ivr.prompts.speech import AsteriskSounds, EspeakSpeech, Speech, espeak_is_here
from ivr.prompts.speech_command import CommandSpeech
from ivr.prompts.speech_form import CommandForm, HttpForm
from ivr.prompts.speech_rest import RestedSpeech
from ivr.prompts.utterances import Utterances

WIDEBAND = "g722"


async def prompt_shelf(
    site: Site, folders: SiteFolders, progress: Callable[[int, int, Made], None] | None = None
) -> PromptShelf:
    """Every prompt of the site, made where it is not there yet: 0.01 s when all are."""
    shelf = bare_shelf(site, folders)
    await shelf.make_all(site.prompts, progress)
    return shelf


def bare_shelf(site: Site, folders: SiteFolders, *, wideband: bool = False) -> PromptShelf:
    """The shelf as the last start left it: nothing is made. ``wideband``: 16 kHz files even where no phone of the site
    may speak so."""
    speech, standby = _voices(site)
    return PromptShelf(
        folders.prompts,
        site.languages,
        speech,
        _sounds(),
        standby=standby,
        recordings=Recordings(folders.recordings),
        wideband=wideband or WIDEBAND in site.asterisk.codecs,
    )


def utterances(site: Site, folders: SiteFolders) -> Utterances:
    """What is said to one caller only; nothing is made before somebody is to hear it."""
    speech, standby = _voices(site)
    return Utterances(folders.prompts / "said", site.languages, speech, standby=standby)


def _voices(site: Site) -> tuple[Speech | None, Speech | None]:
    """Who speaks, and who does when that fails: espeak-ng, where it is."""
    espeak = EspeakSpeech() if espeak_is_here() else None
    match site.speech:
        case CommandForm():
            return RestedSpeech(CommandSpeech(site.speech)), espeak
        case HttpForm():
            from ivr.prompts.speech_http import HttpSpeech  # httpx takes its time to import

            return RestedSpeech(HttpSpeech(site.speech)), espeak
        case _:
            return espeak, None


def music_folder(folders: SiteFolders) -> Path:
    """The music on hold, made where it is not there yet."""
    folder = folders.var / "music"
    folder.mkdir(parents=True, exist_ok=True)
    make_music(folder)
    return folder


def _sounds() -> AsteriskSounds | None:
    place = asterisk_env()
    if not place.exists():
        return None
    folder = Path(read_place(place).sounds)
    return AsteriskSounds(folder) if folder.is_dir() else None
