"""The report in a real browser: nothing is asked of the network, nothing complains, both languages and themes work."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from harness.run_folder import write_run
from harness.run_record import RunRecord
from tests.unit.harness.sample_run import GOOD, findings, record, sponsors, timeline

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next((found for name in BROWSERS if (found := shutil.which(name))), None)
pytestmark = [
    pytest.mark.serial,
    pytest.mark.skipif(BROWSER is None, reason=f"no browser on PATH (looked for {', '.join(BROWSERS)})"),
]
DEADLINE_S = 90
PROBE = """
<script>
addEventListener("load", () => {
  const spans = [...document.querySelectorAll("h1 span")];
  const shown = spans.filter((e) => e.offsetParent !== null).map((e) => e.textContent);
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const box = document.getElementById("timeline");
  let read = "";
  if (box) {
    box.dispatchEvent(new KeyboardEvent("keydown", { key: "PageDown", bubbles: true }));
    read = document.getElementById("readout").textContent;
  }
  const answer = { shown, wide, read, dark: getComputedStyle(document.body).backgroundColor,
    asked: performance.getEntriesByType("resource").map((e) => e.name) };
  const out = document.createElement("pre");
  out.id = "probe"; out.textContent = JSON.stringify(answer);
  document.body.append(out);
});
</script>
"""
# The page forbids itself everything that is not inline; the probe is inline as well.


def browse(folder: Path, options: str, *, width: int = 1280, extra: tuple[str, ...] = ()) -> tuple[str, str]:
    """The page's DOM after load, and what the browser wrote to its log."""
    assert BROWSER is not None
    profile = folder / "profile"
    flags = (
        "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-dev-shm-usage", "--enable-logging=stderr", "--v=0",
        f"--user-data-dir={profile}", f"--window-size={width},1000",
    )  # fmt: skip
    done = subprocess.run(
        [BROWSER, *flags, *extra, "--dump-dom", f"{(folder / 'report.html').as_uri()}?{options}"],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout, done.stderr


def written(folder: Path, run: RunRecord) -> Path:
    folder.mkdir(exist_ok=True)
    write_run(folder, run, timeline(), sponsors())
    page = folder / "report.html"
    page.write_text(page.read_text(encoding="utf-8").replace("</body>", PROBE + "</body>"), encoding="utf-8")
    return folder


def probed(dom: str) -> dict[str, object]:
    found = re.search(r'<pre id="probe">(.*?)</pre>', dom, re.DOTALL)
    assert found is not None, "the page's scripts did not run"
    answer = json.loads(found[1])
    assert isinstance(answer, dict)
    return answer


@pytest.mark.parametrize(
    ("language", "theme", "sentence"),
    [
        pytest.param("en", "light", "The round met its forecast, and every fen is accounted for.", id="English, light"),
        pytest.param("zh", "dark", "完全符合预测，每一分钱都对得上。", id="Chinese, dark"),
    ],
)
def test_the_page_answers_without_network_and_without_complaint(
    tmp_path: Path, language: str, theme: str, sentence: str
):
    dom, log = browse(written(tmp_path / "run", record()), f"lang={language}&theme={theme}")
    answer = probed(dom)
    assert answer["shown"] == [sentence]
    assert answer["asked"] == [], "no request but the page itself"
    assert "CONSOLE" not in log, log
    assert (answer["dark"] == "rgb(20, 22, 26)") == (theme == "dark")
    assert ("回答 p99" if language == "zh" else "response p99") in str(answer["read"]), "arrow keys read the timeline"


def test_nothing_runs_off_a_phone_s_screen(tmp_path: Path):
    bad = record(replace(GOOD, residue_fen=1, drain_s=None, wins=3), evidence={"invariants": findings(S1=1, S4=9)})
    dom, log = browse(written(tmp_path / "run", bad), "lang=en&theme=light", width=500)
    answer = probed(dom)
    assert answer["wide"] == 0
    assert answer["shown"] == ["Money or wins do not add up. Open no round until it is understood."]
    assert "CONSOLE" not in log, log
