"""Users beyond the 400,000,000th, beyond 32 bits, and the last one: money, pages, ties, and what the audit says."""

from __future__ import annotations

import asyncio

from system.audit.close import audit
from system.contract.people import traits_of
from tests.support.fission import broken, claim, execute, funded
from tests.support.play import SECRET, running, token
from tests.support.stores import ValkeyServer

NAMED = [next(uid for uid in range(first, first + 64) if traits_of(uid).real_name) for first in (400_000_000, 1 << 32)]
LAST = next(uid for uid in range((1 << 63) - 1, 0, -1) if traits_of(uid).real_name)
WINNER, FRIENDS = NAMED[0], (NAMED[1], LAST)


def test_they_are_users_like_others(postgres_dsn: str, valkey_server: ValkeyServer) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            await funded(play, postgres_dsn)
            execute(postgres_dsn, "UPDATE live.posting SET uid = %s WHERE uid = 5", WINNER)
            status, wallet = await play.call("/v1/wallet", token(WINNER))
            assert (status, wallet["uid"], wallet["balance_fen"]) == (200, WINNER, 60)
            _, share = await play.call("/v1/shares", token(WINNER), {"award": "1-0"})
            got = {uid: (await claim(play, uid, share["link"]))[1]["fen"] for uid in FRIENDS}
            for uid, other in (FRIENDS, FRIENDS[::-1]):
                status, tie = await play.call("/v1/friends", token(uid), {"friend": other})
                assert status == 200, tie
            assert tie["state"] == "tied"
            spent = await play.call("/v1/wallet/spend", token(LAST), {"key": "a", "fen": 1, "what": "tea"})
            assert spent[0] == 200, spent
            for uid, fen, lines in ((WINNER, 60, 3), (FRIENDS[0], got[FRIENDS[0]], 1), (LAST, got[LAST] - 1, 2)):
                assert (await play.call("/v1/wallet", token(uid)))[1]["balance_fen"] == fen
                pages, after = list[int](), ""
                while True:
                    _, page = await play.call(f"/v1/wallet/statement?limit=1{after}", token(uid))
                    pages += [line["fen"] for line in page["lines"]]
                    if page["next"] is None:
                        break
                    after = f"&after={page['next']}"
                assert (len(pages), sum(pages)) == (lines, fen)
            _, known = await play.call("/v1/friends", token(LAST))
            assert {one["friend"] for one in known["friends"]} == {WINNER, FRIENDS[0]}
        report = await audit(postgres_dsn, valkey_server.url, SECRET, "live")
        found = {one.code: (one.valid, one.first) for one in report.findings}
        assert {code: found[code] for code in ("S13", "S16", "S18")} == dict.fromkeys(("S13", "S16", "S18"), (True, ""))
        assert broken(postgres_dsn) == {}
        # And a fen that one of them has too much is found, and he is named.
        execute(postgres_dsn, "UPDATE live.holding SET amount = amount + 1 WHERE account = %s", f"user:{LAST}")
        report = await audit(postgres_dsn, valkey_server.url, SECRET, "live")
        assert next(one.first for one in report.findings if one.code == "S18").startswith(f"user:{LAST} holds ")

    asyncio.run(body())
