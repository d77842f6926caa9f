"""Probe `http`: the status of an answer on this host, and what its body contains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import requests
from pydantic import Field, field_validator

from chaos.probing import OwnProbe, ProbeReading, words
from harness import loopback
from harness.stack.places import ready_url
from plans.models.fault import ProbeSpec, check_target, sort_of
from plans.models.partial import Contradiction, check
from plans.models.quantity import Duration
from system.contract.addresses import is_loopback
from system.contract.places import front

READ_BYTES = 1 << 20
"""Bytes of a body that are searched."""


class HttpProbeSpec(ProbeSpec):
    """Holds if GET answers with `status` (200), and the body contains `contains`. Sent to a `part` of the stack at
    `path` (/readyz), or to a `url` of this host.
    """

    anywhere: ClassVar[bool] = True
    kind: Literal["http"]
    url: str | None = None
    part: str | None = None
    path: Annotated[str, Field(pattern=r"^/\S*$")] = "/readyz"
    status: int = Field(default=200, ge=100, le=599)
    contains: str | None = Field(default=None, min_length=1)
    timeout: Duration = Field(default=1.0, gt=0, le=30)

    @field_validator("url")
    @classmethod
    def _of_this_host(cls, url: str | None) -> str | None:
        if url is not None and not (url.startswith("http://") and is_loopback(url)):
            raise ValueError(f"{url} is no address of this host; expected http://127.0.0.1:PORT/…")
        return url

    @field_validator("part")
    @classmethod
    def _speaks_http(cls, part: str | None) -> str | None:
        if part is not None:
            check_target(part)
            if sort_of(part) != "part" or part.startswith(("valkey", "postgres")):
                raise ValueError(
                    f"{part} does not speak HTTP; expected a part that does: {front(0).name}, control, play"
                )
        return part

    @check
    def _one_place(self) -> Iterator[Contradiction]:
        if (self.url is None) == (self.part is None):
            yield Contradiction((), "an http probe asks one place", "`part` or `url`")


class HttpProbe(OwnProbe[HttpProbeSpec]):
    """A connection of its own each time; redirects are not followed."""

    kind = "http"
    Spec = HttpProbeSpec

    def seen(self) -> ProbeReading:
        url, spec = self._url(), self.spec
        try:
            with loopback.session(spec.timeout) as session, session.get(url, stream=True) as answer:
                status = answer.status_code
                body = answer.raw.read(READ_BYTES, decode_content=True) if spec.contains else b""
        except (requests.RequestException, OSError) as exc:
            return ProbeReading(False, words(f"{url}: {type(exc).__name__}", f"{url}：没有应答"))
        except Exception as exc:  # urllib3's own, of a body that breaks off
            return ProbeReading(False, words(f"{url}: {type(exc).__name__}", f"{url}：应答中断"))
        if status != spec.status:
            return ProbeReading(False, words(f"{url}: HTTP {status}, asked for {spec.status}", f"{url}：HTTP {status}"))
        if spec.contains and spec.contains.encode() not in body:
            return ProbeReading(
                False, words(f"{url}: HTTP {status}, without {spec.contains!r}", f"{url}：HTTP {status}，内容不符")
            )
        return ProbeReading(True, words(f"{url}: HTTP {status} as asked for", f"{url}：HTTP {status}，符合"))

    def _url(self) -> str:
        if self.spec.part is None:
            return str(self.spec.url)
        asked = ready_url(self.at.stack.addresses.places.place(self.spec.part)) or ""
        return asked.rpartition("/")[0] + self.spec.path
