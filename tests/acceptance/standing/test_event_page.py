"""The event page on a whole stack: press, hear, win, share, claim as a second user, give, combine, spend; then every
process of the stack is killed under the open pages.

Nothing is scripted: fronts, play, control, both stores are those of `xiu up`. Five tickets alone come from no tap, for
one tap in 128 has one: they are signed with the stack's own key.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from harness.control_client import ControlClient
from harness.loopback import session
from harness.stack import Stack
from system.contract.people import traits_of
from system.contract.places import Role
from system.tickets import Ticket, TicketOffice
from tests.support.command import Xiu, wait
from tests.support.event_browser import DESK, PHONE, browser, holds, is_open, open_page, shows, untroubled
from tests.support.event_page import BROWSER, BROWSERS

pytestmark = [
    pytest.mark.serial,
    pytest.mark.skipif(BROWSER is None, reason=f"no browser on PATH (looked for {', '.join(BROWSERS)})"),
]
SPONSOR = 7
PARTS: tuple[Role, ...] = ("front", "play", "control", "credit", "postgres", "valkey")
WIN_FEN, SHARE_FEN, GIFT_FEN, SPENT_FEN, POT_FEN = 520, 200, 20, 250, 100
BACK_S = 60


@dataclass
class Evening:
    """A round of two packets on the stack, a season of one card of each kind, an operator's calls, and a browser."""

    stack: Stack
    control: ControlClient
    chromium: Any
    number: int
    season: int = 0

    def __post_init__(self) -> None:
        """Two whom no other test knows, not even this one when it is run again; money of theirs may be moved."""
        first = 700_000_000 + 100 * self.number
        self.winner, self.friend = [uid for uid in range(first, first + 100) if traits_of(uid).real_name][:2]

    def signed_in(self, uid: int, language: str, more: str = "", size: dict[str, int] = PHONE) -> Any:
        """A page whose user pasted his token."""
        page = open_page(self.chromium, f"{self.control.play_url}/?lang={language}{more}", size)
        page.fill("#token", self.control.tokens("live", uid, 1)[0])
        page.click("#token-form button")
        shows(page, "#who", str(uid))
        is_open(page)
        return page

    def play(self, path: str, bearer: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """What play says for good, asked past the page: a ledger that is late is a 503."""
        method, url = "GET" if body is None else "POST", self.control.play_url + path
        said: list[tuple[int, dict[str, Any]]] = []

        def definite() -> bool:
            answer = session(20).request(method, url, json=body, headers={"Authorization": f"Bearer {bearer}"})
            said.append((answer.status_code, answer.json()))
            return answer.status_code not in (202, 429, 503)

        wait(definite, BACK_S, lambda: said[-1])
        assert said[-1][0] == 200, said[-1]
        return said[-1][1]

    def of_user(self, path: str, uid: int, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return self.play(path, self.control.tokens("live", uid, 1)[0], body)

    def of_operator(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self.play(path, self.stack.admin_token, body)

    def balance(self, uid: int) -> int:
        return int(self.of_user("/v1/wallet", uid)["balance_fen"])

    def fund_shares(self) -> None:
        """Money of the sponsor for the shares of two wins."""
        order = {"key": "f", "sponsor": SPONSOR, "fen": 2 * SHARE_FEN, "share_fen": SHARE_FEN, "parts": 2}
        self.of_operator(f"/v1/rounds/{self.number}/fission", {**order, "lifetime_s": 3_600})

    def seasons(self) -> list[dict[str, Any]]:
        return list(self.of_user("/v1/seasons", self.winner)["seasons"])

    def open_season(self) -> None:
        """One card of each kind."""
        number = 1 + max((int(one["season"]) for one in self.seasons()), default=0)
        order = {"season": number, "cards": [1] * 5, "pot_fen": POT_FEN, "sponsor": SPONSOR}
        assert self.of_operator("/v1/seasons", order)["state"] == "open"
        self.season = number

    def redeem_all(self, uid: int) -> None:
        """All five cards for five tickets of the user."""
        office = TicketOffice(bytes.fromhex((self.stack.folder.secret / "key").read_text(encoding="utf-8").strip()))
        for second in range(5):
            ticket = office.write(Ticket("live", self.season, self.number, uid, second, 1))
            self.of_user("/v1/cards/redeem", uid, {"ticket": ticket})

    def end_season(self) -> None:
        """The end is frozen; play pays the pot when it can."""
        self.of_operator(f"/v1/seasons/{self.season}/end", {})

    def pot_is_paid(self) -> bool:
        return [one["state"] for one in self.seasons() if one["season"] == self.season] == ["paid"]

    def close(self) -> None:
        if self.control.round(self.number).state != "closed":
            self.control.ask_close(self.number, before_end=True)
        tell = lambda: self.control.money(self.number).waiting_for  # noqa: E731
        wait(lambda: self.control.round(self.number).state == "closed", BACK_S, tell)

    @contextmanager
    def nothing_there(self) -> Iterator[None]:
        """Every process that answers a user, directly or not, is killed, and stays away within the block."""
        names = [place.name for part in PARTS for place in self.stack.places.of(part)]
        try:
            for name in names:
                self.stack.suspend_restart(name)
                self.stack.kill(name)
            yield
        finally:
            for name in names:
                self.stack.resume_restart(name)

    def is_whole(self) -> bool:
        """Every part is ready."""
        return set(self.stack.state()["parts"].values()) <= {"ready", "resting"}


@contextmanager
def evening_of(stack: Stack) -> Iterator[Evening]:
    """Afterwards the stack is whole, and the round closed."""
    sponsor = {"sponsor": SPONSOR, "name": "云上商城", "classes": [[WIN_FEN, 2]]}
    order = {"lane": "live", "sponsors": [sponsor], "duration_ms": 300_000, "release_ms": 1, "starts_in_ms": 0}
    with ControlClient.of(stack) as control:
        number = int(control.document("POST", "/v1/rounds", "round", order)["round"])
        with browser() as chromium:
            evening = Evening(stack, control, chromium, number)
            try:
                evening.open_season()
                yield evening
            finally:
                wait(evening.is_whole, BACK_S, lambda: stack.state()["parts"])
                if evening.season:
                    evening.end_season()  # the same again where it has ended
                    wait(evening.pot_is_paid, BACK_S, evening.seasons)
                evening.close()


def pressed_until(page: Any, selector: str, text: str) -> None:
    """Presses until the page says so: a front draws nothing before it has its lease."""

    def said() -> bool:
        page.click("#red")
        page.wait_for_timeout(50)  # answers come while Playwright waits
        return text in page.inner_text(selector)

    wait(said, 30, lambda: page.inner_text("body"))


def test_the_story_and_everything_killed_under_it(xiu: Xiu, stack: Stack) -> None:
    with evening_of(stack) as evening:
        winner, friend, part_fen = wins_and_shares(evening)
        gives_and_combines(evening, winner, friend)
        goes_on_when_all_was_killed(evening, winner, friend, part_fen)
        for page in (winner, friend):
            untroubled(page)


def wins_and_shares(evening: Evening) -> tuple[Any, Any, int]:
    """The winner's page, the friend's, the friend's part in fen."""
    winner = evening.signed_in(evening.winner, "zh")
    pressed_until(winner, "#said", "咻到 ¥5.20")
    shows(winner, "#win-fen", "¥5.20")
    shows(winner, "#win-sponsor", "云上商城")
    winner.wait_for_selector('#red:not([data-heard="0"])')  # the audio node ran to its end
    shows(winner, "#win-state", "已存入钱包")
    shows(winner, "#balance", "¥5.20")
    evening.fund_shares()
    winner.click('#win-share [data-word="share"]')
    link = winner.wait_for_selector("#share-link").input_value()

    friend = evening.signed_in(evening.friend, "en", link.removeprefix(evening.control.play_url + "/"), size=DESK)
    friend.click('#claim [data-word="claim"]')
    shows(friend, "#claim", "Your part: ¥")
    part = friend.inner_text("#claim .sum").removeprefix("Your part: ")
    shows(friend, "#balance", part)
    part_fen = round(float(part.removeprefix("¥")) * 100)
    assert 1 <= part_fen < SHARE_FEN
    return winner, friend, part_fen


def gives_and_combines(evening: Evening, winner: Any, friend: Any) -> None:
    """Money to a friend that the claim made; a card there and back, then all five are combined."""
    winner.fill("#present-to", str(evening.friend))
    winner.fill("#present-yuan", "0.2")
    winner.click('#present-form [data-word="give"]')
    shows(winner, "#present-said", "已送出")
    shows(winner, "#balance", "¥5.00")
    evening.redeem_all(evening.friend)
    friend.reload()
    holds(friend, 5)
    shows(friend, "#present .lines", f"from user {evening.winner}")
    give_card(friend, evening.winner, "Given")
    friend.wait_for_selector('#cards [data-word="combine"]:disabled')  # four kinds are not five
    winner.reload()
    holds(winner, 1)
    give_card(winner, evening.friend, "已送出")
    friend.reload()
    friend.click('#cards [data-word="combine"]:not(:disabled)')
    shows(friend, "#cards .said-here", "Combined")
    holds(friend, 0)


def give_card(page: Any, to: int, said: str) -> None:
    page.select_option("#give-kind", "1")
    page.fill("#give-to", str(to))
    page.select_option("#give-whom", "family")
    page.click('#give-form [data-word="give"]')
    shows(page, "#give-said", said)


def looks_until(page: Any, offline: str) -> None:
    """Until the page says so of its connection (empty: nothing). It looks every few seconds; this makes it look now, as
    a phone does that has its network again.
    """

    def said() -> bool:
        page.evaluate("window.dispatchEvent(new Event('online'))")
        page.wait_for_timeout(100)
        line = page.inner_text("#offline") if page.is_visible("#offline") else ""
        return offline in line if offline else not line

    wait(said, BACK_S, lambda: page.inner_text("body"))


def goes_on_when_all_was_killed(evening: Evening, winner: Any, friend: Any, part_fen: int) -> None:
    """A tap that won, a spending and a pot are under way while nothing is there: each happens once, and the pages say
    so.
    """
    taken: list[int] = []

    def lose(route: Any) -> None:
        """The tap arrives and wins; its answer is lost, and so are those that would say it again."""
        answer = None if taken else route.fetch()
        if answer is not None and not answer.json().get("won"):
            route.fulfill(response=answer)
            return
        if answer is not None:
            taken.append(answer.json()["fen"])
        route.abort()

    friend.route("**/taps", lose)
    pressed_until(friend, "#said", "Not known yet")
    assert taken == [WIN_FEN]
    evening.end_season()
    with evening.nothing_there():
        friend.unroute("**/taps", lose)
        winner.fill("#spend", "2.5")
        winner.click("#spend-form button")
        shows(winner, "#spend-said", "还不知道结果")
        looks_until(winner, "连不上服务器")
        looks_until(friend, "may be out of date")
    shows(friend, "#win-fen", "¥5.20")
    shows(friend, "#win-state", "In your wallet")
    shows(winner, "#spend-said", "已花掉 ¥2.50")
    shows(winner, "#balance", "¥2.50")
    winner.click("#wallet summary")
    shows(winner, "#lines", "消费")
    for page in (winner, friend):
        looks_until(page, "")
    wait(evening.is_whole, BACK_S, lambda: evening.stack.state()["parts"])  # control may be back after play
    wait(evening.pot_is_paid, BACK_S, evening.seasons)
    assert evening.balance(evening.winner) == WIN_FEN - GIFT_FEN - SPENT_FEN
    assert evening.balance(evening.friend) == WIN_FEN + part_fen + GIFT_FEN + POT_FEN
    users = [evening.winner, evening.friend]
    won = evening.control.credited("live", evening.number, users)
    assert [(win.uid, win.fen) for win in won] == [(uid, WIN_FEN) for uid in users]
