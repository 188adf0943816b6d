"""What a look-up asks of another server: the request as a flow writes it, and as it is for one call.

Law: where a request goes to is written in the flow; a caller's values fill parts of its path, of its query and of the
texts in its body, and are quoted there. No value makes another host, another path segment, a header or a key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import AfterValidator, Field, JsonValue, StringConstraints, model_validator

from ivr.flow.nodes.form import Form, Mention, Noun
from ivr.flow.outside import WebRequest
from ivr.flow.template import filled, names

_NAME = r"\{[a-z][a-z0-9_]{0,63}\}"
_CHARACTER = rf"[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{{2}}|{_NAME}"
_URL = re.compile(
    r"https?://(\[[0-9A-Fa-f:]{2,39}\]|[A-Za-z0-9.-]{1,253})(:(?P<port>[0-9]{1,5}))?"
    rf"(?P<path>(/({_CHARACTER})*)?)(\?({_CHARACTER}|\?)*)?"
)
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})
_DOTS = frozenset({".", ".."})


def _sound_url(url: str) -> str:
    found = _URL.fullmatch(url)
    if found is None:
        raise ValueError(
            "must be http(s)://host/path?query, {values} behind the host only, no password or #, other signs as %XX"
        )
    if found["port"] and not 0 < int(found["port"]) < 65536:
        raise ValueError("there is no such port")
    if _DOTS.intersection(found["path"].split("/")):
        raise ValueError("a path with . or .. in it says something else than it reads")
    return url


def _own_header(name: str) -> str:
    if name.lower() in _OURS:
        raise ValueError(f"the header '{name}' is the connection's own")
    return name


def _no_template(value: str) -> str:
    if names(value):
        raise ValueError("no value of a call goes into a header")
    return value


Url = Annotated[str, StringConstraints(max_length=1000), AfterValidator(_sound_url)]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$"), AfterValidator(_own_header)]
HeaderValue = Annotated[
    str, StringConstraints(pattern=r"^[\x21-\x7e]([\x20-\x7e]{0,998}[\x21-\x7e])?$"), AfterValidator(_no_template)
]


class WebQuestion(Form):
    """``body``: JSON, with `{values}` inside its texts; only with POST."""

    url: Url
    method: Literal["GET", "POST"] = "GET"
    headers: Annotated[dict[HeaderName, HeaderValue], Field(default_factory=dict, max_length=20)]
    body: JsonValue = None

    @model_validator(mode="after")
    def _agrees(self) -> WebQuestion:
        if self.body is not None and self.method != "POST":
            raise ValueError("a body is sent by POST only")
        json.dumps(self.body, allow_nan=False)
        return self

    def of(self, known: Mapping[str, str]) -> WebRequest | None:
        """None when a value is not known, or would say "this folder" or "the one above" in the path."""
        url = filled(self.url, known, _quoted)
        texts = [text for _, text in _texts(self.body)]
        if url is None or not all(known.get(name) for text in texts for name in names(text)):
            return None
        if _DOTS.intersection(url.partition("?")[0].split("/")):
            return None
        return WebRequest(self.method, url, self.headers, _filled_in(self.body, known))

    def mentions(self, *path: str | int) -> Iterator[Mention]:
        for name in names(self.url):
            yield Mention(Noun.VALUE, name, (*path, "url"))
        for place, text in _texts(self.body):
            for name in names(text):
                yield Mention(Noun.VALUE, name, (*path, "body", *place))


def _quoted(value: str) -> str:
    return quote(value, safe="", errors="replace")


def _texts(body: JsonValue) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every text of the body, without keys, and its place."""
    if isinstance(body, str):
        yield (), body
    inside = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, part in inside:
        yield from (((key, *place), text) for place, text in _texts(part))


def _filled_in(body: JsonValue, known: Mapping[str, str]) -> Any:
    match body:
        case str():
            return filled(body, known)
        case dict():
            return {key: _filled_in(part, known) for key, part in body.items()}
        case list():
            return [_filled_in(part, known) for part in body]
    return body
