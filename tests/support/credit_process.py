"""`python -m system.credit` as a process of a test's own, on a port of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.support.books import SECRET, Books
from tests.support.stores import free_port, wait_until

WITHIN_S = 60.0


class CreditProcess:
    """A credit worker of its own, on a port of its own."""

    def __init__(self, books: Books, folder: Path, control_port: int) -> None:
        (folder / "secret").write_text(SECRET.hex())
        self.port, self.log = free_port(), folder / "log"
        self.env = os.environ | {
            "XIU_CELL": str(books.cell), "XIU_LANE": books.lane, "XIU_METRICS_LISTEN": f"127.0.0.1:{self.port}",
            "XIU_POSTGRES_URL": books.postgres_url, "XIU_VALKEY_URL": books.valkey_url,
            "XIU_CONTROL_URL": f"http://127.0.0.1:{control_port}", "XIU_SECRET_FILE": str(folder / "secret"),
        }  # fmt: skip
        self.child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.child = subprocess.Popen([sys.executable, "-m", "system.credit"], env=self.env, stdout=log, stderr=log)
        wait_until(lambda: self.status("/readyz") == 200, WITHIN_S, f"credit: {self.log.read_text()}")

    def stop(self, number: int) -> int:
        assert self.child is not None
        self.child.send_signal(number)
        return self.child.wait(WITHIN_S)

    def status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as exc:
            exc.close()
            return exc.code
        except OSError:
            return 0

    def text(self) -> str:
        """Its figures as they are scraped."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=20) as answer:
            return str(answer.read().decode())

    def metrics(self) -> dict[tuple[str, str], float]:
        """(sample, value of its last label, empty without any; of a switch its key) → value."""
        families = text_string_to_metric_families(self.text())
        return {
            (sample.name, sample.labels.get("key") or ["", *sample.labels.values()][-1]): sample.value
            for family in families
            for sample in family.samples
        }


def posted(books: Books) -> int:
    return int(books.sql("SELECT count(*) FROM {}.posting")[0][0])
