"""`texts` of `site.yaml`: which gateway takes the centre's text messages. Written nowhere: the file."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

_Seconds = Annotated[float, Field(ge=0.5, le=30)]
_Word = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00]+$")]


def _web_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("begins with https:// or http:// and a host")
    if parts.username or parts.password:
        raise ValueError("holds a password: use token")
    return url


class _Form(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)


class FileTextsForm(_Form):
    gateway: Literal["file"] = "file"


class HttpTextsForm(_Form):
    gateway: Literal["http"]
    url: Annotated[str, StringConstraints(max_length=2000), AfterValidator(_web_address)]
    token: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,2000}$")] = Field(default="", repr=False)
    timeout_s: _Seconds = 4.0


class CommandTextsForm(_Form):
    """``command``: the program and its words; no shell reads them."""

    gateway: Literal["command"]
    command: Annotated[list[_Word], Field(min_length=1, max_length=50)]
    timeout_s: _Seconds = 4.0


TextsForm = Annotated[FileTextsForm | HttpTextsForm | CommandTextsForm, Field(discriminator="gateway")]
