"""The report in a real browser: nothing is asked of the network, nothing complains, both languages and themes work."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from harness.runs.folder import write_run
from harness.runs.record import RunRecord
from tests.support.sample_run import GOOD, faulted, findings, record, sponsors, timeline

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next((found for name in BROWSERS if (found := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason=f"no browser on PATH (looked for {', '.join(BROWSERS)})")
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


def browse(
    folder: Path, options: str, *, width: int = 1280, page: str = "report.html", extra: tuple[str, ...] = ()
) -> tuple[str, str]:
    """The page's DOM after load, and what the browser wrote to its log."""
    assert BROWSER is not None
    profile = folder / "profile"
    flags = (
        "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-dev-shm-usage", "--enable-logging=stderr", "--v=0",
        f"--user-data-dir={profile}", f"--window-size={width},1000",
    )  # fmt: skip
    done = subprocess.run(
        [BROWSER, *flags, *extra, "--dump-dom", f"{(folder / page).as_uri()}?{options}"],
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


FRAME = """<!doctype html><body style="margin:0"><iframe id="f" style="width:360px;height:9000px;border:0"></iframe>
<script>
const frame = document.getElementById("f");
frame.addEventListener("load", () => {
  const page = frame.contentDocument, found = [];
  const over = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
  for (const names of [".tile", ".markrow .flag", ".xrow span", ".chain li", ".events li", ".scope dt, .scope dd",
                       ".forecast tr", ".cards tr > *", ".plot", "main section"]) {
    const boxes = [...page.querySelectorAll(names)].map((e) => e.getBoundingClientRect()).filter((b) => b.width);
    boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => { if (over(a, b)) found.push(names); }));
  }
  const wide = Math.max(0, page.documentElement.scrollWidth - 360);
  const beyond = [...page.querySelectorAll(".scroll:not(:has(.dense))")]
    .filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.querySelector("caption [lang=en]").textContent);
  const out = document.createElement("pre");
  out.id = "probe"; out.textContent = JSON.stringify({ found: [...new Set(found)], wide, beyond });
  document.body.append(out);
});
frame.src = "report.html?lang=LANG&theme=light";
</script>"""


@pytest.mark.parametrize("language", ["zh", "en"])
def test_on_the_narrowest_phone_nothing_lies_on_anything(tmp_path: Path, language: str):
    folder = written(tmp_path / "run", faulted())
    (folder / "frame.html").write_text(FRAME.replace("LANG", language), encoding="utf-8")
    dom, _ = browse(folder, "", page="frame.html", extra=("--allow-file-access-from-files",))
    assert probed(dom) == {"found": [], "wide": 0, "beyond": []}, "and no table has its verdict off the screen"


PAPER = """
<script>
addEventListener("load", () => {
  const closed = () => document.querySelectorAll("details:not([open])").length;
  const before = closed();
  dispatchEvent(new Event("beforeprint"));
  const meanwhile = closed();
  dispatchEvent(new Event("afterprint"));
  document.getElementById("language").click();
  const language = [document.documentElement.lang, document.title.split(" ")[0],
    document.getElementById("timeline").getAttribute("aria-label")];
  const out = document.createElement("pre");
  out.id = "probe"; out.textContent = JSON.stringify({ before, meanwhile, after: closed(), language });
  document.body.append(out);
});
</script>
"""


def test_on_paper_nothing_is_closed_and_the_language_is_told_to_who_does_not_see(tmp_path: Path):
    folder = tmp_path / "run"
    folder.mkdir()
    write_run(folder, faulted(), timeline(), sponsors())
    page = folder / "report.html"
    page.write_text(page.read_text(encoding="utf-8").replace("</body>", PAPER + "</body>"), encoding="utf-8")
    dom, _ = browse(folder, "lang=en")
    answer = probed(dom)
    assert answer["before"] == answer["after"] == 2
    assert answer["meanwhile"] == 0
    assert answer["language"] == ["zh-CN", "通过", "时间线；左右方向键移动读数线"]
