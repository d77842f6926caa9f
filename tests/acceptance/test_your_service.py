"""docs/your-service.md as a reader follows it: its service, its plans, its commands."""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path

from plans.models.service import ServicePlan, load_service
from plans.models.targets import load_targets
from tests.support.children import started
from tests.support.command import INVALID, Xiu, valid_or_late, wait
from tests.support.plan_files import spoil
from tests.support.stores import free_port

PAGE = Path(__file__).resolve().parents[2] / "docs" / "your-service.md"


def boxes(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def test_from_nothing_to_a_verdict(tmp_path: Path) -> None:
    port, xiu = free_port(), Xiu(tmp_path)
    (tmp_path / "service.py").write_text(boxes("python")[0])
    plan = tmp_path / "mine.yaml"
    plan.write_text(boxes("yaml")[0])
    # The page's ten seconds at its hundred a second; here three, and a promise that a busy machine keeps.
    spoil(plan, ("8080", str(port)), ("duration: 10s", "duration: 3s"), ("response_p99: 100ms", "response_p99: 2s"))
    command = [sys.executable, "service.py", str(port)]
    with started(command, cwd=tmp_path, stdout=subprocess.DEVNULL) as service:
        wait(lambda: listens(port), 30)
        for line in boxes("sh")[0].splitlines():
            word, *rest = shlex.split(line)
            assert word == "xiu"
            done = xiu.valid(*rest)
            assert done.returncode in (0, INVALID), done.stdout + done.stderr
        service.terminate()
    record = xiu.record()
    assert valid_or_late(record), done.stdout + done.stderr
    assert record["load"]["outcomes"]["good"] == record["load"]["scheduled"] == 400


def test_every_other_plan_on_the_page_is_a_good_one(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("user\nann\n")
    (tmp_path / "orders.jsonl").write_text('{"sku": 1}\n')
    _, shop, knee, tasks, forecast, targets = boxes("yaml")
    (tmp_path / "knee.yaml").write_text(knee)
    assert load_service(tmp_path / "knee.yaml").plan.climb is not None
    (tmp_path / "tasks.yaml").write_text(tasks)
    assert load_service(tmp_path / "tasks.yaml").plan.rate == 60
    (tmp_path / "shop.yaml").write_text(shop + forecast)
    plan = load_service(tmp_path / "shop.yaml").plan
    assert plan.forecast is not None
    assert len(plan.forecast.indicators) == 3
    (tmp_path / "targets.yaml").write_text(targets)
    assert load_targets(tmp_path / "targets.yaml").entry("https://shop.staging.example/") is not None


def test_the_page_names_every_key_of_a_target() -> None:
    models = ServicePlan.model_json_schema(by_alias=True)["$defs"]
    text = PAGE.read_text(encoding="utf-8")
    for model in ("UrlTarget", "LocustTarget"):
        assert [key for key in models[model]["properties"] if f"`{key}`" not in text] == []
