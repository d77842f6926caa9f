"""Bench ``k6``: the highest valid open-loop rate with three kinds of shot ÷ the rate that k6 reaches with the same
three requests in a closed loop.

Same server (nginx, alone on its core, with an answer of each kind), same core, same number of connections; a third of
the requests are taps, a third look at a wallet, a third at a statement. Server and both sides ask for the real-time
class: how many programs share the machine is no part of the answer.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from harness.bench import clients, servers
from harness.bench.common import Report, Say, alternate, two_cores
from harness.bench.engine import CONNECTIONS, WARMUP_S, highest, sustained
from harness.engine.config import Beside, CannonConfig
from harness.engine.process import CannonResult, run_cannon
from harness.errors import EnvironmentNotReady
from harness.stack import tools
from system.contract.routing import tap_path

SECONDS = 3.0
FIRST_RPS = 24_000.0
SHOTS = ("tap", "wallet", "credits")
ANSWERS = {
    "/v1/wallet": '{"balance_fen":88,"processing":false,"award":null}',
    "/v1/wallet/statement": '{"lines":[{"kind":"award","fen":88}],"next":null}',
}
"""Path → body, beside the tap's; a body stands in single quotes in nginx's configuration."""
SCRIPT = """import http from "k6/http";
export const options = {{ vus: {users}, duration: "{seconds}s", discardResponseBodies: true }};
const told = {{ headers: {{ Authorization: "Bearer {token}" }} }};
export default () => {{
  http.post("http://{address}{tap}", null, told);
  http.get("http://{address}/v1/wallet", told);
  http.get("http://{address}/v1/wallet/statement", told);
}};
"""


def k6_rps(target: servers.BenchTarget, core: int, users: int, seconds: float) -> float:
    """Requests a second of k6 with so many users without waiting time. Raises EnvironmentNotReady if it is missing, or
    where a request fails.
    """
    program = tools.need("k6")
    token = target.tokens.read_text(encoding="utf-8").split("\n", 1)[0]
    with tempfile.TemporaryDirectory(prefix="xiu-k6-") as name:
        script, summary = Path(name) / "three.js", Path(name) / "summary.json"
        length = max(1, round(seconds))
        script.write_text(
            SCRIPT.format(users=users, seconds=length, token=token, address=target.address, tap=tap_path(target.round))
        )
        argv = [str(program), "run", "--quiet", "--no-usage-report", "--summary-export", str(summary), str(script)]
        clients.pinned(argv, core, length + 60, {"HOME": name}, realtime=True)
        return k6_said(summary.read_text(encoding="utf-8"))


def k6_said(text: str) -> float:
    """From its exported summary. Raises EnvironmentNotReady where a request failed, KeyError for another text."""
    metrics = json.loads(text)["metrics"]
    if failed := float(metrics["http_req_failed"]["value"]):
        raise EnvironmentNotReady(f"{failed:.2%} of the requests of k6 failed")
    return float(metrics["http_reqs"]["rate"])


def three_shots(target: servers.BenchTarget, core: int, rate_rps: float, seconds: float) -> CannonResult:
    """The three journeys at once, a third of the rate each."""
    address, third = target.address, rate_rps / len(SHOTS)
    segments = (
        {"kind": "constant", "rate_rps": third, "duration_s": WARMUP_S, "phase": 0},
        {"kind": "constant", "rate_rps": third, "duration_s": seconds, "phase": 1},
    )
    first, *others = SHOTS
    part = CONNECTIONS // len(SHOTS)
    with tempfile.TemporaryDirectory(prefix="xiu-bench-") as folder:
        config = CannonConfig(
            fronts=(address,), segments=segments, tokens=str(target.tokens), result=str(Path(folder) / "result.json"),
            slots=CONNECTIONS - part * len(others), connections=CONNECTIONS - part * len(others), round=target.round,
            cpu=core, drain_s=3.0, realtime=True, shot=first, journey=first,
            beside=tuple(Beside(name, name, (address,), segments, part, part) for name in others),
        )  # fmt: skip
        return run_cannon(config)


def all_sustained(result: CannonResult) -> bool:
    """Does each of the journeys count? Whether the generator was the limit is judged over all of them."""
    generator = result.data["generator"]
    return all(
        sustained(CannonResult({**part, "generator": generator})) for part in (result.data, *result.data["beside"])
    )


def run(say: Say, *, seconds: float = SECONDS) -> Report:
    """Raises EnvironmentNotReady without nginx, k6 or two cores."""
    server_core, core = two_cores()
    tools.need("k6")
    last = FIRST_RPS
    with servers.nginx(server_core, answers=ANSWERS) as target:
        servers.realtime(target.pid)

        def holds(rate_rps: float) -> bool:
            return any(tried(rate_rps) for _ in range(2))

        def tried(rate_rps: float) -> bool:
            result = three_shots(target, core, rate_rps, seconds)
            good = all_sustained(result)
            why = "holds" if good else f"does not hold: {'; '.join(result.generator['reasons']) or 'server limit'}"
            say(f"{rate_rps:,.0f}/s {why}; response p99 {result.latency_ms['response']['p99']} ms")
            return good

        def value() -> float:
            nonlocal last
            found = highest(holds, last)
            if not found:
                raise EnvironmentNotReady(f"no valid run from {last / 8:,.0f}/s up: something else uses the cores")
            last = found
            return found

        samples = alternate(value, lambda: k6_rps(target, core, CONNECTIONS, seconds), say)
    return Report("k6", "requests/s", "k6, closed loop", samples, {"connections": CONNECTIONS, "shots": list(SHOTS)})
