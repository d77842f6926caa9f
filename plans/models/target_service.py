"""The target of a plan for one's own service: a URL with its requests, or one's own locustfile. What is said of it, not
what is done with it.

No secret stands in a file: where one belongs (a header, a query, a body) stands a place of the environment (`${NAME}`),
of the login's token or of a column, alone (`secret_places.py`).
"""

from __future__ import annotations

import errno
import re
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, ValidationInfo

from plans.models.errors import closest
from plans.models.filling import PLACE, TOKEN, of_row
from plans.models.forecast import Id
from plans.models.ids import FileName, beside
from plans.models.partial import FOLDER, Contradiction, PlanModel, check
from plans.models.quantity import Count, Duration
from plans.models.rows import RowsFile
from plans.models.secret_places import of_body, of_headers, of_json, of_query
from system.contract.addresses import is_loopback, read_address

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
BODILESS = ("GET", "DELETE", "OPTIONS")
MOST_REQUESTS, MOST_CONNECTIONS, MOST_USERS = 32, 20_000, 10_000
IN_FILE = "a secret in the file"
FROM_OUTSIDE = "it from the environment, as ${NAME}, and nothing beside it"
OWN_HEADERS = frozenset(("content-length", "transfer-encoding", "connection", "expect", "upgrade"))
ONE = "request"
"""Name of the request of a target that has one alone."""
_PATH = re.compile(r"/[!-~]*")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def _status(value: Any) -> Any:
    """A list of statuses, whatever was written: `200`, `[200, 201]`."""
    return value if isinstance(value, list | tuple) else [value]


def _expected(value: Any) -> Any:
    """`expect: 200` means its status."""
    whole = isinstance(value, int | list) and not isinstance(value, bool)
    return {"status": value} if whole else value


def _is_url(value: str) -> str:
    """The address of a service. Raises ValueError; what it says repeats no part of a password."""
    address = read_address("service", value)
    if not value.isascii():
        raise ValueError("a character that no address has; expected it percent-encoded, in a host as xn--")
    if "@" in urlsplit(value).netloc:
        raise ValueError("a user or a password in the address; expected a header that names ${…} of the environment")
    if PLACE.search(urlsplit(value).netloc):
        raise ValueError("a place in the host; expected a host that is known before")
    for name in of_query(value):
        raise ValueError(f"{name}: {IN_FILE}; expected {FROM_OUTSIDE}")
    return value if address.path else f"{value}/"


def _headers(value: dict[str, str]) -> dict[str, str]:
    """Headers that can be sent, and hold no secret. Raises ValueError."""
    for name, text in value.items():
        if not _HEADER.fullmatch(name):
            raise ValueError(f"{name!r:.40} is no header's name; expected letters, digits and dashes")
        if name.lower() in OWN_HEADERS:
            raise ValueError(f"{name} is the generator's own; expected it left out")
        if any(ord(char) < 32 or ord(char) > 255 for char in text):
            raise ValueError(f"{name} holds a character that no header has; expected Latin letters on one line")
    for name in of_headers(value):
        raise ValueError(f"{name}: {IN_FILE}; expected {FROM_OUTSIDE}")
    return value


def _authority(value: str, info: ValidationInfo) -> str:
    """A file of certificates beside the plan. Raises ValueError."""
    folder: Path | None = (info.context or {}).get(FOLDER)
    path = beside((folder or Path()) / "plan", value)
    try:
        if path.exists() and not path.is_file():  # OpenSSL would wait for it, or read without end
            raise OSError(errno.EINVAL, "no plain file")
        ssl.create_default_context(cafile=str(path))
    except OSError as exc:  # of the system, or of ssl: no certificate in it
        why = "no certificate in it" if isinstance(exc, ssl.SSLError) else exc.strerror or str(exc)
        raise ValueError(f"{path}: {why}; expected a file of certificates (PEM), relative to this one") from exc
    return value


Url = Annotated[str, AfterValidator(_is_url)]
Headers = Annotated[dict[str, Annotated[str, Field(max_length=4096)]], AfterValidator(_headers)]
Status = Annotated[int, Field(ge=100, le=599)]


class Expectation(PlanModel):
    """The right answer; an answer of another status, or without the text, is an error."""

    status: Annotated[tuple[Status, ...], BeforeValidator(_status)] = Field(
        default=(), description="Left out: any from 200 to 299.",
        json_schema_extra={"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]},
    )  # fmt: skip
    contains: str = Field(default="", description="A text that stands in the body.")


Expect = Annotated[Expectation, BeforeValidator(_expected, json_schema_input_type=int | list[int] | Expectation)]


class _Sent(PlanModel):
    """What one request is made of. With `data` it is sent with one row after the other, again and again."""

    method: Method = "GET"
    headers: Headers = Field(default_factory=dict)
    body: str | None = None
    json_: Any = Field(default=None, alias="json", description="A body as JSON; with its Content-Type.")
    data: RowsFile | None = Field(default=None, description="CSV or JSON lines: `$column` in any text.")
    expect: Expect = Expectation()

    @check
    def _one_body(self) -> Iterator[Contradiction]:
        if self.body is not None and self.json_ is not None:
            yield Contradiction(("body",), "a body and a json", "one of the two")

    @check
    def _no_secret(self) -> Iterator[Contradiction]:
        found = (("body", of_body(self.body)), ("json", of_json(self.json_)), ("path", of_query(self._path())))
        for key, names in found:
            for name in names:
                yield Contradiction((key,), f"{name}: {IN_FILE}", FROM_OUTSIDE)

    def _path(self) -> str:
        return ""

    def texts(self) -> list[Any]:
        """Everything in which a place may stand."""
        return [self.headers, self.body, self.json_]

    def places(self, more: tuple[str, ...], loc: tuple[str | int, ...] = ()) -> Iterator[Contradiction]:
        """Places that neither the rows nor `more` fill in."""
        known = [*(self.data.columns if self.data is not None else ()), *more]
        for key, value in zip(("headers", "body", "json", "path"), [*self.texts(), None], strict=False):
            for name in of_row(value):
                if name not in known:
                    there = (
                        ", ".join(f"${one}" for one in known) or "${NAME} of the environment, or `data` with columns"
                    )
                    hint = closest(name, known)
                    said = f"one of {there}" if known else there
                    near = f"; did you mean ${hint}?" if hint else ""
                    yield Contradiction((*loc, key), f"nothing fills in ${name}", said + near)


class PlannedRequest(_Sent):
    """One of several requests, with its part of the rate."""

    request: Id = Field(description="Its name in results.")
    path: str = Field(default="", description="Behind the target's url, from its host on; left out: the url itself.")
    weight: Count = Field(default=1, ge=1, le=1_000_000, description="Its part of the rate among all weights.")
    response_p99: Annotated[Duration, Field(gt=0)] | None = Field(
        default=None, description="Objective: a p99 of its response above it fails the run."
    )

    @check
    def _rooted(self) -> Iterator[Contradiction]:
        if self.path and not _PATH.fullmatch(self.path):
            yield Contradiction(("path",), f"{self.path!r:.60} is no path", "one that begins with /, percent-encoded")

    def _path(self) -> str:
        return self.path

    def texts(self) -> list[Any]:
        return [*super().texts(), self.path]


class Login(_Sent):
    """A request before the load, one for each row of its data; `$token` is what its answer gave."""

    path: str = Field(pattern=rf"^{_PATH.pattern}$")
    method: Method = "POST"
    token: str = Field(
        pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$", description="Where in the answer's JSON, such as data.access."
    )

    def _path(self) -> str:
        return self.path


class Tls(PlanModel):
    """Whom to trust. The certificate and its name are always checked."""

    ca: Annotated[FileName, AfterValidator(_authority)] = Field(description="One's own authority: a PEM file.")


class StandIn(PlanModel):
    """A small server of this project's own at the target's address, there as long as the run. It answers each request
    at once, and stands still once.
    """

    at: Duration = Field(description="From the first measured request until it stands still.")
    length: Annotated[Duration, Field(gt=0, le=30)] = Field(alias="for", description="How long it stands still.")


class UrlTarget(_Sent):
    """A service at an address: one request, or several with weights."""

    url: Url
    requests: Annotated[tuple[PlannedRequest, ...], Field(min_length=1, max_length=MOST_REQUESTS)] | None = None
    login: Login | None = None
    tls: Tls | None = None
    connections: Annotated[Count, Field(ge=1, le=MOST_CONNECTIONS)] | None = Field(
        default=None, description="Of all requests; left out: about one for each request of a second."
    )
    timeout: Annotated[Duration, Field(gt=0, le=60)] = 5.0
    stand_in: StandIn | None = Field(default=None, description="Left out: the service is yours, and runs already.")

    @check
    def _a_stand_in_is_plain(self) -> Iterator[Contradiction]:
        if self.stand_in is None:
            return
        if not self.url.startswith("http://") or not is_loopback(self.url):
            yield Contradiction(("stand_in",), f"a stand-in at {self.url}", "an http:// url of this host")
        if self.login is not None:
            yield Contradiction(("login",), "a login at a stand-in", "it left out")
        for one in self.requests or (self,):
            if one.method not in BODILESS or one.body is not None or one.json_ is not None:
                expected = f"one of {', '.join(BODILESS)}, without a body"
                yield Contradiction(("stand_in",), f"{one.method} to a stand-in", expected)
                return

    @check
    def _one_or_several(self) -> Iterator[Contradiction]:
        if self.requests is None:
            return
        for key, given in (("body", self.body), ("json", self.json_), ("data", self.data)):
            if given is not None:
                yield Contradiction((key,), f"a {key} beside several requests", f"{key} at each request")
        if self.method != "GET":
            yield Contradiction(("method",), "a method beside several requests", "method at each request")

    @check
    def _names_once(self) -> Iterator[Contradiction]:
        names = [one.request for one in self.requests or ()]
        for number, name in enumerate(names):
            if name in names[:number]:
                yield Contradiction(("requests", number, "request"), f"{name} stands twice", "each name once")

    @check
    def _filled(self) -> Iterator[Contradiction]:
        more = (TOKEN,) if self.login is not None else ()
        if self.requests is None:
            yield from self.places(more)
        else:
            yield from _of_all(self.headers, self.requests, more)
            for number, one in enumerate(self.requests):
                yield from one.places(more, ("requests", number))
        if self.login is not None:
            yield from self.login.places((), ("login",))
            carried = [*self.texts(), *(one.texts() for one in self.requests or ())]
            if TOKEN not in of_row(carried):
                yield Contradiction(("login", "token"), "no request carries it", "$token in a header")

    @check
    def _tls_is_used(self) -> Iterator[Contradiction]:
        if self.tls is not None and not self.url.startswith("https://"):
            yield Contradiction(("tls",), "an authority for an address without TLS", "an https:// url")

    @property
    def each(self) -> tuple[PlannedRequest, ...]:
        """Every request, with the headers and the expectation that all have."""
        if self.requests is None:
            own = {name: getattr(self, name) for name in ("method", "headers", "body", "json_", "data", "expect")}
            return (PlannedRequest.model_construct(request=ONE, path="", weight=1, response_p99=None, **own),)
        return tuple(
            one.model_copy(
                update={
                    "headers": {**self.headers, **one.headers},
                    "expect": one.expect if "expect" in one.model_fields_set else self.expect,
                }
            )
            for one in self.requests
        )


def _of_all(
    headers: Mapping[str, str], requests: tuple[PlannedRequest, ...], more: tuple[str, ...]
) -> Iterator[Contradiction]:
    """Places in the headers of all requests: every request has to fill them in."""
    for name in of_row(headers):
        if name not in more and not all(one.data is not None and name in one.data.columns for one in requests):
            yield Contradiction(("headers",), f"not every request fills in ${name}", "a column of each one's data")


class LocustTarget(PlanModel):
    """One's own locustfile: its tasks on an open schedule, response from the intended start."""

    locustfile: FileName = Field(description="Python file, relative to this one.")
    host: Url | None = Field(default=None, description="As Locust's -H: of users that name none.")
    classes: tuple[str, ...] = Field(default=(), description="Names of user classes; left out: all of the file.")
    users: Annotated[Count, Field(ge=1, le=MOST_USERS)] | None = Field(
        default=None, description="Users who stand ready; left out: about one for each task of a second."
    )

    @check
    def _classes_once(self) -> Iterator[Contradiction]:
        for number, name in enumerate(self.classes):
            if name in self.classes[:number]:
                yield Contradiction(("classes", number), f"{name} stands twice", "each once")


def _kind(value: Any) -> str:
    named = value if isinstance(value, Mapping) else getattr(value, "model_fields_set", ())
    return "LocustTarget" if "locustfile" in named and "url" not in named else "UrlTarget"


Target = Annotated[
    Annotated[UrlTarget, Tag("UrlTarget")] | Annotated[LocustTarget, Tag("LocustTarget")], Discriminator(_kind)
]
__all__ = ["Expectation", "LocustTarget", "Login", "PlannedRequest", "StandIn", "Target", "Tls", "UrlTarget"]
