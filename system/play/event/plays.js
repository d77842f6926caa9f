// -- the plays beside the draw: a section stands where its play is there ---------------------------------------
const there = (name) => Boolean(event && event.plays.includes(name));
function section(id, title) {
  const box = make("section", "", "card");
  box.id = id; box.hidden = true;
  const head = make("h2", ""); head.dataset.word = title; head.id = `${id}-title`;
  box.setAttribute("aria-labelledby", head.id);
  box.append(head);
  $("more").append(box);
  return box;
}
function button(word, act) {
  const made = make("button", say(word), "do");
  made.type = "button"; made.dataset.word = word;
  made.addEventListener("click", async () => {
    if (made.disabled) return;
    made.disabled = true;
    try { await act(made); } finally { made.disabled = false; }
  });
  return made;
}
function note(box) {
  const made = make("p", "", "said-here");
  made.setAttribute("role", "status");
  box.append(made);
  return (text) => { made.textContent = text; };
}
function field(id, word, mode) {
  const label = make("label", ""), input = make("input", "");
  label.htmlFor = input.id = id; label.dataset.word = word;
  input.inputMode = mode; input.required = true;
  return [label, input];
}

// Fission: the winner's link, and the part of whoever has one.
function drawShare(win, state) {
  const box = $("win-share");
  if (!there("fission") || state !== "credited") { box.replaceChildren(); return; }
  const drawn = `${english} ${win.award}`;
  if (box.dataset.drawn === drawn && box.children.length) return;
  box.dataset.drawn = drawn;
  const row = make("div", "", "wide"), words = make("p", "", "said-here");
  words.setAttribute("role", "status");
  row.append(button("share", async () => {
    const got = await order("/v1/shares", { award: win.award }, (text) => { words.textContent = text; });
    if (got.status !== 200) { words.textContent = refused(got); return; }
    win.share = got.data;
    shareLink(box, words, win.share);
  }));
  if (win.share) shareLink(box, words, win.share); else box.replaceChildren(row, words);
}
function shareLink(box, words, share) {
  const href = `${location.origin}/#share=${encodeURIComponent(share.link)}`, input = make("input", "");
  input.readOnly = true; input.value = href; input.id = "share-link";
  input.setAttribute("aria-label", say("link"));
  input.addEventListener("focus", () => input.select());
  const row = make("div", "", "row");
  row.append(input, button("copy", async () => {
    try { await navigator.clipboard.writeText(href); words.textContent = say("copied"); } catch { input.focus(); }
  }));
  words.textContent = share.state === "reversed" ? listed(CODES, "share_reversed") : `${say("share_hint")} ${say("claimed_of", share.claimed, share.parts)}`;
  box.replaceChildren(row, words);
}
const linkOf = () => { const found = /[#&]share=([^&]+)/.exec(location.hash); return found ? decodeURIComponent(found[1]) : ""; };
const claimBox = section("claim", "claim_title"), claimed = make("p", "", "sum small"), claimRow = make("div", "", "row");
claimBox.append(claimed, claimRow);
const claimSays = note(claimBox);
let part_fen = null;
function showPart(fen) {
  // What this user got of the link's packet; null: nothing yet.
  part_fen = fen;
  claimed.textContent = fen === null ? "" : say("claimed", yuan(fen));
}
claimRow.append(button("claim", async () => {
  if (!token) { claimSays(say("sign_first")); return; }
  claimSays("");
  const got = await order("/v1/shares/claim", { link: linkOf() }, claimSays);
  if (got.status === 200) { showPart(got.data.fen); claimSays(""); refresh(); refreshPlays(); }
  else claimSays(refused(got));
}));

// Five Blessings: cards of losing taps, gifts, the combination.
const cardBox = section("cards", "cards"), kinds = make("ol", "", "kinds"), giveForm = make("form", ""), asks = make("ol", "", "lines");
giveForm.id = "give-form";
const which = make("select", ""), whichLabel = make("label", "");
which.id = "give-kind"; whichLabel.htmlFor = "give-kind"; whichLabel.dataset.word = "which";
const [toLabel, to] = field("give-to", "give_label", "numeric");
to.pattern = "[0-9]{1,19}";
function whomOf(id) {
  // Family or friend: the giver says.
  const made = make("select", "");
  made.id = id;
  for (const word of ["friend", "family"]) { const option = make("option", say(word)); option.value = option.dataset.word = word; made.append(option); }
  return made;
}
const whom = whomOf("give-whom"), whomLabel = make("label", "");
whomLabel.htmlFor = "give-whom"; whomLabel.dataset.word = "whom";
let season = null, held = [0, 0, 0, 0, 0], worthCards = [];
const giveRow = make("div", "", "row"), giveDo = make("button", ""), askDo = make("button", "");
giveDo.type = askDo.type = "submit"; giveDo.dataset.word = "give"; askDo.dataset.word = "ask"; giveDo.value = "gift"; askDo.value = "ask";
giveRow.append(giveDo, askDo);
giveForm.append(whichLabel, which, toLabel, to, whomLabel, whom, giveRow);
const combineRow = make("div", "", "row"), combineDo = button("combine", async () => {
  const got = await order("/v1/cards/combine", { key: newKey(), season: season.season }, cardSays);
  cardSays(got.status === 200 ? say("combined") : refused(got));
  refreshPlays();
});
combineRow.append(combineDo);
cardBox.append(kinds, combineRow);
const cardSays = note(cardBox);
cardBox.append(giveForm, make("p", "", "said-here"), asks);
cardBox.querySelector("form + p").id = "give-said";
cardBox.querySelector("form + p").setAttribute("role", "status");
const kindName = (kind) => say("kinds").split(/[,，]/)[kind - 1];
form("give", (by) => `/v1/cards/${by.value}`, (by) => {
  const kind = Number(which.value), friend = uidIn(to.value);
  return by.value === "ask" ? { season: season.season, friend, kind } : { key: newKey(), season: season.season, to: friend, kind, whom: whom.value };
}, (data, by) => { refreshPlays(); return say(by.value === "ask" ? "asked" : "given"); });
async function redeem(ticket) {
  if (!there("cards")) return;
  const got = await order("/v1/cards/redeem", { ticket }, () => {});
  if (got.status === 200) { tell(say("got_card", kindName(got.data.kind))); refreshPlays(); }
}
async function cardOf(uid) {
  // A tie that was made in the season is worth a card, once: play says which ones are. Asked for again, it is the same card.
  const got = await order("/v1/cards/tie", { season: season.season, friend: uid }, friendSays);
  friendSays(got.status === 200 ? say("got_card", kindName(got.data.kind)) : refused(got));
  refreshPlays();
}
async function refreshCards(stale) {
  const all = await ask("/v1/seasons");
  if (stale() || all.status !== 200) return;
  season = all.data.seasons.find((each) => each.state === "open") || all.data.seasons.at(-1) || null;
  const got = await ask("/v1/cards");
  if (stale() || got.status !== 200) return;
  held = got.data.cards;
  worthCards = got.data.ties;
  fill(kinds, held.map((n, k) => [`${k} ${n}`, () => { const item = make("li", "", n ? "" : "none"); item.append(make("b", String(n)), make("span", kindName(k + 1))); return item; }]));
  const chosen = which.value || "1";
  fill(which, held.map((n, k) => [`${k} ${n}`, () => { const option = make("option", `${kindName(k + 1)} (${n})`); option.value = String(k + 1); return option; }]));
  which.value = chosen;
  combineDo.disabled = !held.every(Boolean);
  if (got.data.blessings) cardSays(say("combined"));
  fill(asks, got.data.asks.filter((each) => !each.gift).map((each) => [each.ask, () => {
    const item = make("li", "");
    const is = whomOf(`ask-${each.ask}`), was = $(is.id), row = make("div", "", "row soft");
    is.setAttribute("aria-label", say("whom"));
    if (was) is.value = was.value;
    row.append(is, button("give", async () => {
      const got = await order("/v1/cards/gift", { key: newKey(), season: each.season, to: each.asker, kind: each.kind, whom: is.value, ask: each.ask }, cardSays);
      cardSays(got.status === 200 ? say("given") : refused(got));
      refreshPlays();
    }));
    item.append(make("span", say("asks", each.asker, kindName(each.kind))), row);
    return item;
  }]));
  cardBox.hidden = !season;
}

// The relation chain: the strongest ties, each with its reasons; who asks, and whom to ask.
const friendBox = section("friends", "friends"), ties = make("ol", "", "lines"), friendForm = make("form", "");
friendForm.id = "friend-form";
const [friendLabel, friend] = field("friend", "friend_label", "numeric"), friendRow = make("div", "", "row"), friendDo = make("button", "");
friend.pattern = "[0-9]{1,19}";
friendDo.type = "submit"; friendDo.dataset.word = "add";
friendRow.append(friend, friendDo);
friendForm.append(friendLabel, friendRow);
friendBox.append(ties, friendForm);
const friendSays = note(friendBox);
friendBox.lastChild.id = "friend-said";
async function add(uid) {
  const got = await order("/v1/friends", { friend: uid }, friendSays);
  friendSays(got.status === 200 ? say(got.data.state === "tied" ? "tied" : "added") : refused(got));
  refreshPlays();
}
form("friend", "/v1/friends", () => ({ friend: uidIn(friend.value) }), (data) => { refreshPlays(); return say(data.state === "tied" ? "tied" : "added"); });
async function refreshFriends(stale) {
  const strongest = await ask("/v1/relations?top=20&explain=1"), waiting = await ask("/v1/friends/requests");
  if (stale() || strongest.status !== 200 || waiting.status !== 200) return;
  // Who is a friend already (a claim made the tie) does not want to become one.
  const tied = new Set(strongest.data.relations.map((tie) => tie.friend));
  const rows = waiting.data.askings.filter((each) => !tied.has(each.uid)).map((each) => [`asks ${each.uid}`, () => {
    const item = make("li", "");
    item.append(make("span", say("asked_by", each.uid)), button("add", () => add(each.uid)));
    return item;
  }]);
  for (const tie of strongest.data.relations) {
    const worth = there("cards") && worthCards.includes(tie.friend);
    rows.push([`${worth} ${JSON.stringify(tie)}`, () => tieRow(tie, worth)]);
  }
  fill(ties, rows.length ? rows : [["none", () => make("li", say("no_friends"), "soft")]]);
  friendBox.hidden = false;
}
function tieRow(tie, worth) {
  const item = make("li", ""), why = make("details", ""), list = make("p", "", "soft");
  list.textContent = tie.terms.filter((term) => term.adds).map((term) => `${say(`term_${term.term}`)} ${(term.adds / 100).toFixed(1)}`).join(english ? ", " : "，");
  why.className = "soft";
  why.append(make("summary", say("why")), list);
  item.append(make("span", say("who", tie.friend)), make("b", say("score", (tie.score / 100).toFixed(1))), why);
  if (worth) {
    const row = make("div", "", "row soft");
    row.append(button("tie_card", () => cardOf(tie.friend)));
    item.append(row);
  }
  return item;
}

// A gift of money to a friend; what was given, in both directions.
const presentBox = section("present", "present_title"), presents = make("ol", "", "lines"), presentForm = make("form", ""), presentRow = make("div", "", "row"), presentDo = make("button", "");
presentForm.id = "present-form";
const [presentToLabel, presentTo] = field("present-to", "present_to", "numeric"), [presentYuanLabel, presentYuan] = field("present-yuan", "fund_label", "decimal");
presentTo.pattern = "[0-9]{1,19}"; presentYuan.pattern = "[0-9]{1,9}([.][0-9]{1,2})?";
presentDo.type = "submit"; presentDo.dataset.word = "give";
presentRow.append(presentYuan, presentDo);
presentForm.append(presentToLabel, presentTo, presentYuanLabel, presentRow);
presentBox.append(presentForm);
note(presentBox);
presentBox.lastChild.id = "present-said";
presentBox.append(presents);
form("present", "/v1/presents", () => ({ key: newKey(), to: uidIn(presentTo.value), fen: fenOf(presentYuan.value), award: onItsWay() }), () => { presentYuan.value = ""; refreshPlays(); return say("given"); });
async function refreshPresents(stale) {
  const got = await ask("/v1/presents");
  if (stale() || got.status !== 200) return;
  fill(presents, got.data.presents.slice(0, 5).map((each) => [JSON.stringify(each), () => {
    const item = make("li", "");
    item.append(make("span", say(each.fen < 0 ? "present_given" : "present_got", each.uid)), make("b", yuan(Math.abs(each.fen))));
    if (each.state === "reversed") item.append(make("span", listed(KINDS, "reverse"), "soft"));
    return item;
  }]));
  presentBox.hidden = false;
}

// The money fund: bought from the balance, sold back to it.
const fundBox = section("fund", "fund"), inFund = make("p", "", "sum small"), fundForm = make("form", "");
fundForm.id = "fund-form";
const [fundLabel, fundYuan] = field("fund-yuan", "fund_label", "decimal"), fundRow = make("div", "", "row two"), buy = make("button", ""), sell = make("button", "");
fundYuan.pattern = "[0-9]{1,9}([.][0-9]{1,2})?";
buy.type = sell.type = "submit"; buy.dataset.word = "buy"; sell.dataset.word = "sell"; buy.value = "purchase"; sell.value = "sale";
fundRow.append(fundYuan, buy, sell);
fundForm.append(fundLabel, fundRow);
fundBox.append(inFund, fundForm);
note(fundBox);
fundBox.lastChild.id = "fund-said";
form("fund", (by) => `/v1/fund/${by.value}`, (by) => ({ key: newKey(), fen: fenOf(fundYuan.value), ...(by.value === "purchase" && { award: onItsWay() }) }), (data, by) => { fundYuan.value = ""; refreshPlays(); return say(by.value === "sale" ? "sold" : "bought"); });
async function refreshFund(stale) {
  const got = await ask("/v1/fund");
  if (stale() || got.status !== 200) return;
  inFund.textContent = yuan(got.data.fen);
  fundBox.hidden = false;
}

let refreshingPlays = 0;
async function refreshPlays() {
  // What a later look has shown, an earlier one whose answers come late does not show over it.
  const mine = token, number = ++refreshingPlays, stale = () => mine !== token || number !== refreshingPlays;
  if (!mine) return;
  if (there("cards")) await refreshCards(stale);
  if (there("ties")) await refreshFriends(stale);
  if (there("present")) await refreshPresents(stale);
  if (there("fund")) await refreshFund(stale);
}
function forgetPlays() {
  // What belongs to one user is never shown to the next.
  for (const box of [cardBox, friendBox, presentBox, fundBox]) box.hidden = true;
  for (const e of $("more").querySelectorAll("[role=status]")) e.textContent = "";
  showPart(null);
  worthCards = [];
}
function drawPlays() {
  showPart(part_fen);
  claimBox.hidden = !(there("fission") && linkOf());
  for (const e of $("more").querySelectorAll("[data-word]")) e.textContent = say(e.dataset.word);
}
window.addEventListener("hashchange", () => { showPart(null); claimSays(""); draw(); });
