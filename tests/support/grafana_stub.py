"""A contract stub, not Grafana: the few calls `xiu dash push` makes, over TCP, as strict as Grafana 13 and stricter.

It refuses numeric ids, `folderId`, a missing or wrong token, and any field it does not know. `mood` makes it ill.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "glsa_stub"
ILL: dict[str, tuple[int, str, str]] = {
    "bad_gateway": (502, "<html><body>Bad Gateway: no message from upstream</body></html>", "text/html"),
    "page_200": (200, "<html><body>Sign in</body></html>", "text/html"),
    "empty": (200, "", "application/json"),
    "half_200": (200, '{"uid": ', "application/json"),
    "deep_200": (200, "[" * 100_000, "application/json"),
    "not_utf8": (200, "\udcff", "application/json"),
    "a_list": (200, '["message"]', "application/json"),
    "a_number": (200, "7", "application/json"),
    "text_500": (500, "an error message", "text/plain"),
    "json_500": (500, '{"message": "database is locked"}', "application/json"),
    "json_503": (503, '{"message": null}', "application/json"),
    "list_404": (404, '["message"]', "application/json"),
    "json_412": (
        412,
        '{"message": "The dashboard has been changed", "status": "version-mismatch"}',
        "application/json",
    ),
    "json_429": (429, '{"message": "too many requests"}', "application/json"),
    "json_403": (403, '{"message": "no"}', "application/json"),
}
"""mood → status, body, content type."""
KNOWN = {
    "/folders": {"title", "uid", "parentUid", "description"},
    "/dashboards/db": {"dashboard", "folderUid", "overwrite", "message"},
    "/datasources": {"uid", "name", "type", "access", "url", "isDefault", "jsonData", "secureJsonData"},
    "/annotations": {"time", "timeEnd", "text", "tags", "dashboardUID", "panelId"},
}


class Refused(Exception):
    """An answer that is not 200."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Grafana:
    """What it holds. `mood`: ok, read_only, hangs, drips, drops, login_page, or one of `ILL`.

    `refuses`: uid of a dashboard it does not save, and `because`: with which answer.
    """

    def __init__(self) -> None:
        self.mood = "ok"
        self.refuses, self.because = "", (412, "The dashboard has been changed by someone else")
        self.prefix = ""
        self.folders: dict[str, dict[str, Any]] = {}
        self.dashboards: dict[str, dict[str, Any]] = {}
        self.datasources: dict[str, dict[str, Any]] = {}
        self.annotations: list[dict[str, Any]] = []
        self.calls: list[tuple[str, str]] = []
        self.let_go = threading.Event()
        self.url = ""

    def answer(self, verb: str, path: str, query: dict[str, list[str]], body: dict[str, Any]) -> Any:
        """What a healthy Grafana says. Raises Refused."""
        room = "/datasources" if path.startswith("/datasources/uid/") else path
        if verb in ("POST", "PUT") and body.keys() - KNOWN.get(room, set()):
            raise Refused(400, f"unknown fields: {sorted(body.keys() - KNOWN.get(room, set()))}")
        if path.startswith("/folders"):
            return self._folders(verb, path.removeprefix("/folders").strip("/"), body)
        if path == "/dashboards/db" and verb == "POST":
            return self._save(body)
        if path.startswith("/dashboards/uid/") and verb == "GET":
            return self._saved(path.removeprefix("/dashboards/uid/"))
        if path.startswith("/datasources"):
            return self._sources(verb, path.removeprefix("/datasources").strip("/"), body)
        if path == "/annotations":
            return self._annotations(verb, query, body)
        raise Refused(404, "Not found")

    def _folders(self, verb: str, uid: str, body: dict[str, Any]) -> Any:
        if uid.startswith("id/"):
            raise Refused(404, "folders have no numeric ids any more")
        if verb == "GET" and uid:
            if uid not in self.folders:
                raise Refused(404, "folder not found")
            return self.folders[uid]
        if verb == "POST" and body.get("title"):
            if body["uid"] in self.folders:
                raise Refused(409, "a folder with that uid already exists")
            self.folders[body["uid"]] = body
            return body
        raise Refused(400, "folder title cannot be empty")

    def _save(self, body: dict[str, Any]) -> Any:
        board = body["dashboard"]
        if board.get("uid") == self.refuses:
            raise Refused(*self.because)
        if board.get("id") is not None:
            raise Refused(404, "Dashboard not found")
        if not board.get("title") or not 0 < len(board.get("uid", "")) <= 40:
            raise Refused(400, "Dashboard title cannot be empty, a uid has at most 40 characters")
        if body.get("folderUid") not in self.folders:
            raise Refused(400, "folder not found")
        if board["uid"] in self.dashboards and not body.get("overwrite"):
            raise Refused(412, "The dashboard has been changed by someone else")
        version = self.dashboards.get(board["uid"], {}).get("version", 0) + 1
        self.dashboards[board["uid"]] = {"dashboard": board, "version": version, "folder": body["folderUid"]}
        return {"id": 7, "uid": board["uid"], "url": f"/d/{board['uid']}/x", "status": "success", "version": version}

    def _saved(self, uid: str) -> Any:
        if uid not in self.dashboards:
            raise Refused(404, "Dashboard not found")
        kept = self.dashboards[uid]
        # As Grafana gives it back: with an id and a version of its own.
        document = {**kept["dashboard"], "id": 7, "version": kept["version"]}
        return {"dashboard": document, "meta": {"folderUid": kept["folder"], "isFolder": False}}

    def _sources(self, verb: str, rest: str, body: dict[str, Any]) -> Any:
        if verb == "POST" and not rest:
            if any(one["name"] == body["name"] for one in self.datasources.values()):
                raise Refused(409, "data source with the same name already exists")
            self.datasources[body["uid"]] = body
            return {"id": 1, "message": "Datasource added", "datasource": body}
        room, _, uid = rest.partition("/")
        if room != "uid":
            raise Refused(403, "numeric ids of data sources are switched off (datasourceLegacyIdApi)")
        if uid not in self.datasources:
            raise Refused(404, "Data source not found")
        if verb == "PUT":
            if self.mood == "read_only":
                raise Refused(403, "Cannot update read-only data source")
            self.datasources[uid] = body
            return {"id": 1, "message": "Datasource updated", "datasource": body}
        return {**self.datasources[uid], "readOnly": self.mood == "read_only"}

    def _annotations(self, verb: str, query: dict[str, list[str]], body: dict[str, Any]) -> Any:
        if verb == "POST":
            if not body.get("text"):
                raise Refused(400, "Failed to save annotation: text field should not be empty")
            self.annotations.append(body)
            return {"id": len(self.annotations), "message": "Annotation added"}
        wanted = set(query.get("tags", ()))
        return [one for one in self.annotations if wanted <= set(one["tags"])]


def _handler(grafana: Grafana) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            """Quiet."""

        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            at = urlsplit(self.path)
            grafana.calls.append((self.command, self.path))
            if grafana.mood == "hangs":
                grafana.let_go.wait(30)
                self.close_connection = True
                return None
            if grafana.mood in ("drips", "drops"):
                return self._badly(grafana.mood == "drips")
            if grafana.mood in ILL:
                return self._say(*ILL[grafana.mood])
            if grafana.mood == "login_page":
                self.send_response(302)
                self.send_header("Location", "/login")
                self.send_header("Content-Length", "0")
                return self.end_headers()
            prefix = f"{grafana.prefix}/api"
            if not at.path.startswith(prefix + "/"):
                return self._say(404, "<html>Not found</html>", "text/html")
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                return self._json(401, {"message": "Invalid API key", "messageId": "api-key.invalid"})
            try:
                path = unquote(at.path.removeprefix(prefix))
                sent = json.loads(body) if body else {}
                self._json(200, grafana.answer(self.command, path, parse_qs(at.query), sent or {}))
            except Refused as exc:
                self._json(exc.code, {"message": str(exc)})

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _do

        def _badly(self, slowly: bool) -> None:
            """A body that is promised and never whole: bit by bit without end, or cut off."""
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.close_connection = True
            self.wfile.write(b"{")
            with contextlib.suppress(OSError):
                while slowly and not grafana.let_go.wait(0.02):
                    self.wfile.write(b" ")

        def _json(self, code: int, document: object) -> None:
            self._say(code, json.dumps(document), "application/json")

        def _say(self, code: int, text: str, kind: str) -> None:
            data = text.encode(errors="surrogateescape")
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler


@contextmanager
def serving() -> Iterator[Grafana]:
    """The stub on a free port of this host, until the end of the block."""
    grafana = Grafana()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(grafana))
    server.daemon_threads = True
    grafana.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield grafana
    finally:
        grafana.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join()
