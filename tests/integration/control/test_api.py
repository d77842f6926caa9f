"""Control's API, endpoint by endpoint: who may ask, what is refused and how, what comes back."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from system.contract.api import RoundOrder, SyncAnswer
from system.contract.ids import LANES
from system.contract.switches import SWITCHES, defaults
from system.control import background
from system.lottery import make_round, verify_commitment
from system.settings import ControlSettings
from system.tokens import tag_expiry, tag_key, token_key, verify_token
from tests.support.control import ADMIN, BUDGET_FEN, PACKETS, SECRET, SPONSORS, Api, running, sql
from tests.support.deadline import until
from tests.support.played_front import PlayedFront

ORDER = {"sponsors": SPONSORS, "starts_in_ms": 1000, "duration_ms": 10_000}


def code(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["error"]["code"]


def test_who_may_ask_what(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api:
            number = await api.make_round()
            operators = [
                ("POST", "/v1/rounds", ORDER),
                ("POST", f"/v1/rounds/{number}/close", None),
                ("GET", f"/v1/rounds/{number}/money", None),
                ("POST", f"/v1/rounds/{number}/set-aside", {"front": 0, "epoch": 1, "sequence": 1}),
                ("POST", "/v1/tokens", {"first_uid": 1, "count": 1}),
                ("POST", "/v1/tags", {"run_id": "x"}),
                ("PUT", "/v1/switches/draw.award", {"value": 1}),
                ("GET", "/v1/switches/history", None),
            ]
            for method, path, order in operators:
                assert code(await api.call(method, path, order)) == (401, "bad_token"), path
                wrong = await api.call(method, path, order, Authorization="Bearer operators-token-of-nobody")
                assert code(wrong) == (401, "bad_token"), path
                basic = await api.call(method, path, order, Authorization=f"Basic {ADMIN}")
                assert code(basic) == (401, "bad_token"), path
            fronts = [
                ("POST", "register", None),
                ("POST", "sync", {"instance": 1}),
                ("POST", f"rounds/{number}/epoch", {"instance": 1}),
                ("POST", f"rounds/{number}/lease", {"instance": 1, "epoch": 1, "number": 1}),
                ("GET", f"rounds/{number}/ledger", None),
                ("POST", f"rounds/{number}/confirm", {"instance": 1, "epoch": 1, "sequence": 0}),
            ]
            for method, path, order in fronts:
                assert code(await api.call(method, f"/v1/fronts/0/{path}", order)) == (401, "bad_token"), path
                admin = await api.admin(method, f"/v1/fronts/0/{path}", order)
                assert code(admin) == (401, "bad_token"), f"{path}: operators are no fronts"
            for path in ("clock", "topology", "rounds", f"rounds/{number}", "switches", "fronts"):
                assert (await api.get(f"/v1/{path}"))[0] == 200, path

    asyncio.run(body())


def test_what_is_refused(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api:
            number = await api.make_round()
            bad_orders: list[Any] = [
                {},
                ORDER | {"start_us": 5},
                ORDER | {"extra": 1},
                ORDER | {"lane": "dark"},
                ORDER | {"duration_ms": "10000"},
                ORDER | {"release_ms": 10_001},
                ORDER | {"sponsors": []},
                ORDER | {"sponsors": [SPONSORS[0], SPONSORS[0]]},
                ORDER | {"sponsors": [{"sponsor": 1, "name": "x", "classes": [[0, 5]]}]},
                {"sponsors": SPONSORS, "start_us": 5, "duration_ms": 10},
                [],
                "x",
            ]
            for order in bad_orders:
                status, answer = await api.admin("POST", "/v1/rounds", order)
                assert (status, answer["error"]["effect"]) == (400, "none"), order
                assert answer["error"]["message"].count("\n") == 0
            rows = [
                (await api.get("/v1/rounds/99"), (404, "unknown_round")),
                (await api.get("/v1/rounds/x"), (404, "not_found")),
                (await api.get("/v1/rounds?lane=dark"), (400, "bad_request")),
                (await api.get("/v1/rounds?state=open"), (400, "bad_request")),
                (await api.get("/nowhere"), (404, "not_found")),
                (await api.call("DELETE", "/v1/clock"), (405, "method_not_allowed")),
                (await api.admin("POST", "/v1/rounds/99/close"), (404, "unknown_round")),
                (await api.admin("GET", "/v1/rounds/99/money"), (404, "unknown_round")),
                (await api.admin("POST", "/v1/tokens", {"first_uid": -1, "count": 1}), (400, "out_of_range")),
                (await api.admin("POST", "/v1/tokens", {"first_uid": 1, "count": 0}), (400, "out_of_range")),
                (await api.admin("POST", "/v1/tags", {"run_id": "a.b"}), (400, "bad_request")),
                (await api.front("register", front=1), (404, "not_found")),
                (await api.front("sync", {"instance": "1"}), (400, "bad_request")),
                (await api.front("rounds/99/epoch", {"instance": 1}), (404, "unknown_round")),
                (await api.front(f"rounds/{number}/epoch", {"instance": 1}), (409, "conflict")),
            ]
            for answer, expected in rows:
                assert code(answer) == expected
                assert answer[1]["error"]["effect"] == "none"

    asyncio.run(body())


def test_a_round_is_committed_to_funded_and_shown(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api:
            status, made = await api.admin("POST", "/v1/rounds", ORDER)
            assert status == 201
            number = made["round"]
            assert made == (await api.get(f"/v1/rounds/{number}"))[1]
            assert (made["packets"], made["budget_fen"], made["state"]) == (PACKETS, BUDGET_FEN, "armed")
            assert made["start_us"] == api.clock() + 1_000_000
            assert (made["end_us"] - made["start_us"], made["release_ms"]) == (10_000_000, 9_500)
            assert made["seed"] is None
            held = api.control.view.round(number)
            lottery = make_round(
                number, RoundOrder.model_validate(ORDER, strict=False).sponsors, bytes.fromhex(held.seed)
            )
            assert verify_commitment(lottery, made["commitment"])
            assert sql(settings, "SELECT account, fen FROM live.entry ORDER BY account") == [
                (f"budget:{number}:7", 8_000),
                (f"budget:{number}:9", 36),
                ("sponsor:7", -8_000),
                ("sponsor:9", -36),
            ]
            assert sql(settings, "SELECT kind, fen FROM live.batch") == [("fund", BUDGET_FEN)]
            again = (await api.admin("POST", "/v1/rounds", ORDER | {"lane": "stress"}))[1]
            assert again["commitment"] != made["commitment"]
            for query, expected in (("", 2), ("?lane=live", 1), ("?lane=stress&state=armed", 1), ("?state=closed", 0)):
                assert len((await api.get(f"/v1/rounds{query}"))[1]["rounds"]) == expected, query
            assert sql(settings, "SELECT count(*) FROM stress.round") == [(1,)]
            assert (await api.money(number))["budget_fen"] == BUDGET_FEN

    asyncio.run(body())


def test_a_sponsor_may_pay_for_more_than_one_number_holds(settings: ControlSettings) -> None:
    """Twice the largest round of one sponsor: made, shown, closed, and the lane balances."""

    async def body() -> None:
        async with running(settings) as api:
            largest = {"sponsor": 9, "name": "Nine", "classes": [[4_294_967_295, 2_147_483_647]]}
            for _ in range(2):
                number = await api.make_round(sponsors=[largest])
                front = await PlayedFront(api, number).start()
                assert (await api.money(number))["budget_fen"] == 4_294_967_295 * 2_147_483_647
                if number % 2:
                    await api.ok(await api.admin("POST", f"/v1/rounds/{number}/close", {"before_end": True}))
                    assert await front.confirm() == 200
                    await api.closed(number)
            for _ in range(2):
                await api.make_round(sponsors=[largest])
            await background._balance(api.control)
            assert api.registry.get_sample_value("hongbao_ledger_imbalance_fen", {"lane": "live"}) == 0

    asyncio.run(body())


def test_sync_tells_a_front_everything(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api:
            number = await api.make_round()
            front = await PlayedFront(api, number).start()
            report = {"round": number, "epoch": 1, "sequence": 0, "ready": True, "pending": 2}
            status, answer = await api.front("sync", {"instance": 1, "streams": [report]})
            assert status == 200
            told = SyncAnswer.model_validate(answer, strict=False)
            assert told.now_us == api.clock()
            assert [(item.public.round, item.epoch, len(item.seed)) for item in told.rounds] == [(number, 1, 64)]
            assert told.switches == defaults()
            seen = (await api.get("/v1/fronts"))[1]["fronts"][0]
            assert (seen["instance"], seen["synced_instance"], seen["streams"]) == (1, 1, [report])
            await api.admin("PUT", "/v1/switches/draw.award", {"value": 0})
            assert (await api.front("sync", {"instance": 1}))[1]["switches"]["draw.award"] == 0, "at once"
            api.end_window()
            await api.close(number)
            assert await front.confirm() == 200
            await api.closed(number)
            (closed,) = (await api.front("sync", {"instance": 1}))[1]["rounds"]
            assert (closed["public"]["state"], closed["public"]["seed"]) == ("closed", closed["seed"])
            api.clock.now_us += 61_000_000
            api.control.view.changed()
            assert (await api.front("sync", {"instance": 1}))[1]["rounds"] == [], "told for a minute"

    asyncio.run(body())


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda switch: switch.key)
def test_switch_bounds_and_history(settings: ControlSettings, switch: Any) -> None:
    async def body() -> None:
        async with running(settings) as api:
            path = f"/v1/switches/{switch.key}"
            for bad in (switch.lower - 1, switch.upper + 1, "1", 1.5, None, True):
                assert code(await api.admin("PUT", path, {"value": bad})) == (400, "bad_request"), bad
            for before, value in ((switch.default, switch.upper), (switch.upper, switch.lower)):
                status, answer = await api.admin("PUT", path, {"value": value, "who": "test", "why": "bounds"})
                assert (status, answer) == (200, {"key": switch.key, "value": value, "before": before})
            assert (await api.get("/v1/switches"))[1]["switches"][switch.key] == switch.lower
            history = (await api.admin("GET", "/v1/switches/history"))[1]["history"]
            assert [(row["before"], row["after"], row["who"], row["why"]) for row in history] == [
                (switch.upper, switch.lower, "test", "bounds"),
                (switch.default, switch.upper, "test", "bounds"),
            ]
            assert (await api.admin("GET", "/v1/switches/history?limit=1"))[1]["history"] == history[:1]

            async def shown() -> bool:
                labels = ({"key": switch.key, "lane": lane} for lane in LANES)
                return {api.registry.get_sample_value("hongbao_switch", each) for each in labels} == {switch.lower}

            await until(shown, what="the gauge of the switch")

    asyncio.run(body())


def test_a_switch_set_for_one_lane_stays_as_it_is_in_the_other(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api:
            await api.front("register", {})
            path = "/v1/switches/draw.release_percent"
            slow = {"value": 25, "who": "playbook", "lane": "stress"}
            told = {"key": "draw.release_percent", "value": 25, "before": 100, "lane": "stress"}
            assert (await api.admin("PUT", path, slow)) == (200, told)
            shown = (await api.get("/v1/switches"))[1]
            assert [shown["lanes"][lane]["draw.release_percent"] for lane in LANES] == [100, 25]
            assert shown["switches"] == shown["lanes"]["live"], "what callers without lanes read"
            sync = (await api.front("sync?lanes=1", {"instance": 1}))[1]
            assert SyncAnswer.model_validate_json(json.dumps(sync)).lanes == shown["lanes"]
            assert "lanes" not in (await api.front("sync", {"instance": 1}))[1], "an older front refuses the word"
            status, both = await api.admin("PUT", path, {"value": 50})
            assert (status, both["before"], both["befores"]) == (200, 100, {"live": 100, "stress": 25})
            history = (await api.admin("GET", "/v1/switches/history"))[1]["history"]
            assert [(row["lane"], row["before"], row["after"]) for row in history] == [
                ("stress", 25, 50), ("live", 100, 50), ("stress", 100, 25),
            ]  # fmt: skip
            for body in ({"value": 0, "lane": "strss"}, {"value": 0, "lane": ""}):
                assert (await api.admin("PUT", path, body))[0] == 400
            # One for both lanes: naming one is a mistake, not half an order.
            assert (await api.admin("PUT", "/v1/switches/stress.accept", {"value": 0, "lane": "stress"}))[0] == 400
            assert (await api.get("/v1/switches"))[1]["switches"]["stress.accept"] == 1

    asyncio.run(body())


def test_switches_outlive_control(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api:
            assert code(await api.admin("PUT", "/v1/switches/no.such", {"value": 1})) == (400, "bad_request")
            assert (await api.admin("PUT", "/v1/switches/credit.pause", {"value": 1}))[0] == 200
        async with running(settings) as api:
            assert (await api.get("/v1/switches"))[1]["switches"]["credit.pause"] == 1

    asyncio.run(body())


async def _tokens(api: Api, **order: Any) -> list[str]:
    status, text = await api.admin("POST", "/v1/tokens", {"first_uid": 5, "count": 3} | order)
    assert status == 200, text
    return str(text).split("\n")[:-1]


def test_tokens_and_tags(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api:
            now_s = api.clock() / 1e6
            tokens = await _tokens(api, count=1_234)
            key = token_key(SECRET, "live")
            assert [verify_token(key, token.encode(), now_s) for token in tokens] == list(range(5, 1_239))
            (stress, *_) = await _tokens(api, lane="stress")
            assert verify_token(token_key(SECRET, "stress"), stress.encode(), now_s) == 5
            (expired, *_) = await _tokens(api, ttl_s=-1)
            assert int(expired.split(".")[1]) < now_s
            tag = (await api.admin("POST", "/v1/tags", {"run_id": "run-1", "ttl_s": 60}))[1]["tag"]
            assert tag_expiry(tag_key(SECRET), tag.encode()) == int(now_s) + 60

    asyncio.run(body())


def test_fronts_are_answered_while_a_million_tokens_are_made(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api:
            instance = await api.register()
            asked = asyncio.create_task(_tokens(api, count=300_000))
            waits: list[float] = []
            while not asked.done():
                begun = time.perf_counter()
                assert (await api.front("sync", {"instance": instance}))[0] == 200
                waits.append(time.perf_counter() - begun)
            assert len(set(await asked)) == 300_000
            assert len(waits) >= 10, "one answer between two chunks at least now and then"

    asyncio.run(body())


def test_metrics_are_those_of_the_catalogue(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api:
            number = await api.make_round(starts_in_ms=0)
            front = await PlayedFront(api, number).start()
            await front.lease()

            def value(name: str, **labels: str) -> float | None:
                return api.registry.get_sample_value(name, labels)

            async def balanced() -> bool:
                return value("hongbao_ledger_imbalance_fen", lane="live") == 0

            async def shown() -> bool:
                return value("hongbao_round_unleased_packets", lane="live") == PACKETS - 21

            await until(balanced, what="balance read")
            await until(shown, what="view shown")
            rows = [
                ("hongbao_rounds", {"lane": "live", "state": "open"}, 1),
                ("hongbao_rounds", {"lane": "stress", "state": "open"}, 0),
                ("hongbao_round_packets", {"lane": "live"}, PACKETS),
                ("hongbao_round_release_packets_per_second", {"lane": "live"}, PACKETS / 9.5),
                ("hongbao_round_release_packets_per_second", {"lane": "stress"}, 0),
                ("hongbao_round_budget_fen", {"lane": "live"}, BUDGET_FEN),
                ("hongbao_epochs_granted_total", {"lane": "live"}, 1),
                ("hongbao_leases_granted_total", {"lane": "live"}, 1),
                ("hongbao_close_waiting", {"lane": "live"}, 0),
                ("hongbao_http_requests_total", {"route": "/v1/rounds", "status": "2xx"}, 1),
            ]
            for name, labels, expected in rows:
                assert value(name, **labels) == expected, name
            await api.get("/nowhere")
            assert value("hongbao_http_requests_total", route="unknown", status="4xx") == 1
            assert "hongbao_rounds" in (await api.get("/metrics"))[1]

    asyncio.run(body())


def test_a_forged_posting_shows_in_the_balance(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api:
            await api.make_round()
            sql(settings, "INSERT INTO live.posting VALUES (1, 1, 1, 1, 7, 0, 1, 1)")

            async def seen() -> bool:
                return api.registry.get_sample_value("hongbao_ledger_imbalance_fen", {"lane": "live"}) == 1

            await until(seen, what="imbalance of one fen")
            assert await seen()

    asyncio.run(body())


def test_a_leg_without_another_shows_in_the_balance_of_transfers(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api:
            made = "INSERT INTO live.transfer (kind, key, request, at_us) VALUES ('gift', 'k', '{}', 1)"
            sql(settings, made)
            sql(settings, "INSERT INTO live.leg SELECT transfer, 'user:1', 'card:2', 1 FROM live.transfer")
            sql(settings, "INSERT INTO live.leg SELECT transfer, 'user:1', 'fen', 5 FROM live.transfer")
            sql(settings, "INSERT INTO live.leg SELECT transfer, 'user:2', 'fen', -5 FROM live.transfer")

            async def seen() -> bool:
                return api.registry.get_sample_value("hongbao_transfers_imbalance", {"lane": "live"}) == 1

            await until(seen, what="one currency that does not add up")

    asyncio.run(body())


def test_a_round_has_tickets_of_a_season_that_is_open(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api:
            number = await api.make_round()
            assert (await api.get(f"/v1/rounds/{number}"))[1]["season"] is None
            order = ORDER | {"season": 3}
            assert code(await api.admin("POST", "/v1/rounds", order)) == (404, "unknown_season")
            made = "INSERT INTO live.season (season, cards, seed, commitment, sponsor, pot_fen, created_us) VALUES"
            sql(settings, f"{made} (3, '{{1,1,1,1,1}}', sha256(''), '', 7, 1, 0)")
            other = await api.ok(await api.admin("POST", "/v1/rounds", order))
            assert other["season"] == 3
            told = await api.ok(await api.front("sync", {"instance": await api.register()}))
            seasons = {each["public"]["round"]: each["public"]["season"] for each in told["rounds"]}
            assert seasons == {number: None, other["round"]: 3}
            # Lanes never meet, and what has ended gives no cards.
            assert code(await api.admin("POST", "/v1/rounds", order | {"lane": "stress"})) == (404, "unknown_season")
            sql(settings, "UPDATE live.season SET state = 'ended'")
            assert code(await api.admin("POST", "/v1/rounds", order)) == (409, "season_ended")

    asyncio.run(body())
