"""Grafana's HTTP API behind one class: a folder, a data source, dashboards, annotations. One error type, one sentence.

grafana-api is archived. It answers an empty body, a proxy's page or a closed port with various errors of its own; they
are corrected here. Uses uids only: Grafana 13 refuses numeric ids, and puts what names `folderId` into its root.
"""

from __future__ import annotations

import functools
import ipaddress
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal
from urllib.parse import quote, urlencode, urlsplit

import requests
from grafana_api.grafana_api import GrafanaClientError, GrafanaException
from grafana_api.grafana_face import GrafanaFace
from urllib3.exceptions import HTTPError, ReadTimeoutError

from dashboards.grafana.errors import GrafanaError, GrafanaInputError

URL_VARIABLE, TOKEN_VARIABLE = "XIU_GRAFANA_URL", "XIU_GRAFANA_TOKEN"
TIMEOUT_S = 5.0
UNAUTHORIZED, FORBIDDEN, NOT_FOUND, SERVER = 401, 403, 404, 500
MOST_BYTES = 16 << 20
Done = Literal["made", "changed", "unchanged", "left alone"]
"""The result of one step of a push."""
_TAG = re.compile(r"[a-z0-9:_-]+")
"""grafana-api does not encode a query, so a tag keeps to what needs no encoding."""


class GrafanaPublisher:
    """Four verbs, each safe to repeat. Raises GrafanaError."""

    def __init__(self, url: str, token: str, timeout_s: float = TIMEOUT_S) -> None:
        """Raises GrafanaInputError for a malformed address or token; connects to nobody."""
        try:
            parts, port = urlsplit(url), urlsplit(url).port
        except ValueError as exc:
            raise GrafanaInputError(f"{URL_VARIABLE}: no address ({exc}); expected {EXAMPLE_URL}") from exc
        if parts.username is not None or parts.password is not None:
            raise GrafanaInputError(f"{URL_VARIABLE}: holds a user or a password; the token goes into {TOKEN_VARIABLE}")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise GrafanaInputError(f"{URL_VARIABLE}: {url!r} is no address of a server; expected {EXAMPLE_URL}")
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise GrafanaInputError(f"{TOKEN_VARIABLE}: not a token; expected one of a service account, as glsa_…")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        path = parts.path.strip("/")
        self.url = f"{parts.scheme}://{host}{'' if port is None else f':{port}'}{'/' + path if path else ''}"
        self._timeout_s = timeout_s
        self._grafana = GrafanaFace(
            auth=token,
            host=host,
            port=port,
            protocol=parts.scheme,
            url_path_prefix=f"{path}/" if path else "",
            timeout=timeout_s,
        )
        session = self._grafana.api.s
        session.max_redirects = 0
        session.hooks["response"].append(functools.partial(_json_or_foreign, timeout_s))
        # An address of this host never goes through a proxy that the environment names.
        session.trust_env = not _is_loopback(parts.hostname)

    def ensure_folder(self, uid: str, title: str) -> Done:
        """The folder is there afterwards. An existing one keeps its title: people may rename it."""
        there = self._find("look for the folder", lambda: self._grafana.folder.get_folder(uid))
        if there is not None:
            return "unchanged"
        self._call(f"make the folder {title}", lambda: self._grafana.folder.create_folder(title, uid))
        return "made"

    def upsert_dashboard(self, document: Mapping[str, Any], folder_uid: str) -> Done:
        """The dashboard is as given afterwards, in that folder. It has a uid and no id.

        One that is so already is not written: Grafana would keep a new version of the same.
        """
        uid = str(document["uid"])
        there = self._find(
            f"look for the dashboard {uid}", lambda: self._grafana.api.GET(f"/dashboards/uid/{quote(uid, safe='')}")
        )
        if (
            there is not None
            and _has(there.get("dashboard"), document)
            and _has(there.get("meta"), {"folderUid": folder_uid})
        ):
            return "unchanged"
        what = f"save the dashboard {uid}"
        body = {"dashboard": dict(document), "folderUid": folder_uid, "overwrite": True, "message": "xiu dash push"}
        answer = self._call(what, lambda: self._grafana.dashboard.update_dashboard(body))
        if answer.get("uid") != uid or answer.get("status") != "success":
            raise GrafanaError(f"{self.url} did not {what}: it answered {str(answer)[:120]}")
        return "made" if there is None else "changed"

    def upsert_datasource(self, uid: str, name: str, prometheus_url: str, scrape: str) -> Done:
        """A Prometheus is there under that uid. One from a provisioning file is left alone, whatever its address.

        `scrape`: the interval of scrapes, without which Grafana looks at too short a time in its rates.
        """
        api, path = self._grafana.api, f"/datasources/uid/{quote(uid, safe='')}"
        body = {
            "uid": uid, "name": name, "type": "prometheus", "access": "proxy", "url": prometheus_url,
            "isDefault": False, "jsonData": {"timeInterval": scrape, "httpMethod": "POST"},
        }  # fmt: skip
        there = self._find("look for the data source", lambda: api.GET(path))
        if there is None:
            self._call("make the data source", lambda: self._grafana.datasource.create_datasource(body))
            return "made"
        # Name and default belong to the people who use this Grafana.
        if _has(there, {key: body[key] for key in ("type", "access", "url", "jsonData")}):
            return "unchanged"
        if there.get("readOnly"):
            return "left alone"
        self._call("change the data source", lambda: api.PUT(path, json=body))
        return "changed"

    def annotate(self, start_ms: int, end_ms: int, text: str, tags: tuple[str, ...]) -> Done:
        """A region with that text and those tags is there afterwards, in every dashboard that shows them."""
        for tag in tags:
            if not _TAG.fullmatch(tag):
                raise ValueError(f"tag {tag!r}; expected lower-case letters, digits, colon, dash, underscore")
        api = self._grafana.api
        asked = urlencode([("from", start_ms), ("to", end_ms), ("limit", 100), *(("tags", tag) for tag in tags)])
        there = self._call("look for annotations", lambda: api.GET(f"/annotations?{asked}"), kind=list)
        if any(_has(row, {"time": start_ms, "text": text}) for row in there):
            return "unchanged"
        body = {"time": start_ms, "timeEnd": end_ms, "text": text, "tags": list(tags)}
        self._call("annotate", lambda: api.POST("/annotations", json=body))
        return "made"

    def link(self, uid: str, start_ms: int | str, end_ms: int | str, **variables: str) -> str:
        """Where a dashboard is read, with its time and its variables."""
        query = {"from": start_ms, "to": end_ms} | {f"var-{name}": value for name, value in variables.items() if value}
        return f"{self.url}/d/{uid}?{urlencode(query)}"

    def close(self) -> None:
        """Let the connections go."""
        self._grafana.api.s.close()

    def __enter__(self) -> GrafanaPublisher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _find(self, what: str, ask: Callable[[], Any]) -> dict[str, Any] | None:
        """What exists; None if Grafana says in its own words that there is nothing."""
        try:
            return dict(self._call(what, ask))
        except GrafanaError as exc:
            cause = exc.__cause__
            own = isinstance(cause, GrafanaClientError) and isinstance(cause.response, dict)
            if own and cause.status_code == NOT_FOUND and "message" in cause.response:  # type: ignore[union-attr]
                return None
            raise

    def _call(self, what: str, ask: Callable[[], Any], kind: type = dict) -> Any:
        """One request. Every failure becomes one sentence."""
        try:
            answer = ask()
        except GrafanaException as exc:
            raise GrafanaError(self._refused(what, exc)) from exc
        except _Foreign as exc:
            if exc.code >= SERVER:
                raise GrafanaError(f"{self.url} did not {what}: HTTP {exc.code}, of a proxy before Grafana?") from exc
            raise GrafanaError(f"{self.url} did not {what}: HTTP {exc.code} without JSON; {LOOK}") from exc
        except requests.TooManyRedirects as exc:
            raise GrafanaError(f"{self.url} sends elsewhere; {LOOK}") from exc
        except requests.Timeout as exc:
            raise GrafanaError(f"{self.url} did not answer within {self._timeout_s:g} s; is Grafana up?") from exc
        except (requests.RequestException, ValueError) as exc:
            # ValueError: what urllib3 says of a host name that cannot be, past requests.
            raise GrafanaError(f"{self.url} does not answer ({type(exc).__name__}); is Grafana up?") from exc
        if not isinstance(answer, kind):
            raise GrafanaError(
                f"{self.url} is not Grafana's API: to {what}, it answered a {type(answer).__name__}; {LOOK}"
            )
        return answer

    def _refused(self, what: str, exc: GrafanaException) -> str:
        code = int(exc.status_code)
        if code == UNAUTHORIZED:
            return f"{self.url} does not know the token; put one of a service account into {TOKEN_VARIABLE}"
        if code == FORBIDDEN:
            return f"{self.url}: the token may not {what}; its service account needs Editor, for data sources Admin"
        if code >= SERVER:
            return f"{self.url} did not {what}: HTTP {code}; Grafana's own log says why"
        message = exc.response.get("message") if isinstance(exc.response, dict) else None
        reason = " ".join(str(message).split())[:160] if message else f"no reason given; {LOOK}"
        return f"{self.url} refused to {what}: HTTP {code}: {reason}"


class _Foreign(Exception):
    """An answer that Grafana's API does not give: an empty body, a page, a text."""

    def __init__(self, code: int) -> None:
        super().__init__(f"HTTP {code} without JSON")
        self.code = code


def _json_or_foreign(timeout_s: float, response: requests.Response, **_: object) -> None:
    """Read before grafana-api reads it, because grafana-api takes every body for JSON and every error for an object."""
    if response.is_redirect:
        return
    response._content = _read(response, time.monotonic() + timeout_s)
    response._content_consumed = True
    try:
        body = response.json()
    except (ValueError, RecursionError) as exc:
        raise _Foreign(response.status_code) from exc
    if not response.ok and not isinstance(body, dict):
        raise _Foreign(response.status_code)


def _read(response: requests.Response, until: float) -> bytes:
    """The body, by a deadline, because the time-out of requests begins anew with each byte. Raises what requests
    would.
    """
    found = bytearray()
    whole = False
    try:
        while piece := response.raw.read1(1 << 16, decode_content=True):
            found += piece
            if len(found) > MOST_BYTES:
                raise _Foreign(response.status_code)
            if time.monotonic() > until:
                raise requests.Timeout("its answer does not end")
        whole = True
    except requests.RequestException:
        raise
    except ReadTimeoutError as exc:
        raise requests.Timeout(str(exc)) from exc
    except (HTTPError, OSError) as exc:
        raise requests.ConnectionError(str(exc)) from exc
    finally:
        if not whole:
            response.close()
    return bytes(found)


def _has(there: object, wanted: object) -> bool:
    """Is all that is wanted there? A server may add keys of its own to objects, never items to lists."""
    if isinstance(wanted, Mapping):
        return isinstance(there, Mapping) and all(key in there and _has(there[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list):
        if not isinstance(there, list) or len(there) != len(wanted):
            return False
        return all(_has(mine, theirs) for mine, theirs in zip(there, wanted, strict=True))
    return there == wanted


EXAMPLE_URL = "http://127.0.0.1:3000 or https://host/grafana"
LOOK = f"is {URL_VARIABLE} the address of Grafana itself, with its path?"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
