"""The site's prompts on their shelf: who speaks on this machine, and where the sounds lie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hotline.asterisk_files import read_place
from hotline.settings import SiteFolders, asterisk_env
from hotline.site.site import Site
from ivr.prompts.music import make_music
from ivr.prompts.shelf import Made, PromptShelf
from ivr.prompts.speech import AsteriskSounds, EspeakSpeech, espeak_is_here


async def prompt_shelf(
    site: Site, folders: SiteFolders, progress: Callable[[int, int, Made], None] | None = None
) -> PromptShelf:
    """Every prompt of the site, made where it is not there yet: 0.01 s when all are."""
    speech = EspeakSpeech() if espeak_is_here() else None
    shelf = PromptShelf(folders.prompts, site.languages, speech, _sounds())
    await shelf.make_all(site.prompts, progress)
    return shelf


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
