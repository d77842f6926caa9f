"use strict";
// The event page. Everything it shows comes from this system's own JSON; texts are set as text, never as HTML.
const WORDS = {
  brand: ["咻一咻", "Xiu"], page: ["咻一咻，抢红包", "Xiu: the red packet rush"], sound: ["声音", "Sound"], press: ["咻一下", "tap me"],
  lang: ["English", "中文"], lang_says: ["Switch to English", "切换到中文"],
  press_says: ["咻一下，抢红包", "Tap for a red packet"],
  no_round: ["还没有场次", "No round yet"], no_round_said: ["场次公布后，这里会倒计时。", "When a round is announced, the countdown stands here."],
  round: ["第 {0} 场", "Round {0}"], till_start: ["距开抢", "until it opens"], till_end: ["距结束", "until it ends"],
  over: ["本场已结束", "This round is over"], rounds: ["今晚场次", "Rounds"], none: ["暂无", "None yet"],
  opens_at: ["{0} 开始，{1} 个红包", "opens {0}, {1} packets"], is_open: ["进行中", "open"], soon: ["未开始", "to come"], closed: ["已结束", "over"],
  ready: ["开抢后，按红色按钮。", "When it opens, press the red button."], go: ["快按！", "Press now!"],
  early: ["还没开始，请等倒计时。", "Not open yet: watch the countdown."],
  lost: ["这次没咻到，再来！", "No packet this time. Again!"], lost_by: ["这次没咻到，{0} 祝你下次好运。", "No packet this time. Better luck next time, says {0}."],
  pending: ["正在确认，请稍候…", "Being confirmed, one moment…"],
  fast: ["手速太快啦，歇 {0} 秒。", "Too fast: wait {0} s."], quick: ["手速太快啦，每秒最多 7 下。", "Too fast: seven a second at most."],
  away: ["网络不稳，正在自动重试…", "The connection is poor; trying again…"], offline: ["连不上服务器，正在自动重连…", "No connection to the server; trying again…"],
  sign_first: ["请先登录再抢。", "Sign in first."], signed_out: ["登录已失效，请重新登录。", "Your sign-in has ended. Sign in again."],
  win_title: ["恭喜，咻到红包！", "You got a red packet!"], by: ["由 {0} 送出", "from {0}"],
  way: ["入账中…", "On its way to your wallet…"], credited: ["已存入钱包", "In your wallet"], held: ["需人工核对", "Set aside: a person decides"],
  sponsor: ["赞助商 {0}", "sponsor {0}"], said_win: ["咻到 {0}！", "You won {0}!"],
  sign_title: ["登录", "Sign in"], token_label: ["口令（token）", "Token"], token_hint: ["用 xiu token 用户号 得到，粘贴到这里。", "Paste what `xiu token UID` prints."],
  uid_label: ["用户号（开发模式）", "User number (development)"], enter: ["进入", "Enter"],
  bad_token: ["这个口令不对或已过期。", "This token is wrong or has expired."],
  wallet: ["钱包", "Wallet"], who: ["用户 {0}", "user {0}"], out: ["退出", "Sign out"], processing: ["有一笔正在入账。", "One credit is on its way."],
  kind_spend: ["消费", "spent"], kind_reverse: ["退回", "given back"], kind_claim: ["好友红包", "a friend's packet"], kind_pot: ["五福奖金", "Five Blessings"],
  statement: ["明细", "Statement"], spend_label: ["花掉（元）", "Spend (yuan)"], spend: ["花掉", "Spend"], spent: ["已花掉 {0}。", "Spent {0}."],
  waiting: ["正在确认…", "Being confirmed…"], said_no: ["没有成功：{0}", "It did not work: {0}"],
  share: ["分享红包", "Share it"], share_hint: ["把链接发给好友，一起拆。", "Send this link to your friends."], copy: ["复制链接", "Copy link"], copied: ["已复制", "Copied"],
  link: ["分享链接", "Link to share"], claimed_of: ["已领 {0}/{1} 份", "{0} of {1} parts claimed"],
  claim_title: ["好友的红包", "A friend's packet"], claim: ["拆开", "Open it"], claimed: ["你分到 {0}", "Your part: {0}"],
  cards: ["集五福", "Five Blessings"], combine: ["合成五福", "Combine all five"], combined: ["五福已合成，等开奖。", "Combined. You have a part in the pot."],
  kinds: ["爱国福,富强福,和谐福,友善福,敬业福", "Patriot,Wealth,Accord,Kind,Duty"], got_card: ["得到一张：{0}", "A card: {0}"],
  give_label: ["送给用户号", "Give to user"], give: ["送出", "Give"], given: ["已送出。", "Given."], which: ["哪一张", "Which card"],
  ask: ["向他要", "Ask for it"], asked: ["已发出请求。", "Asked."], asks: ["用户 {0} 想要：{1}", "User {0} asks for: {1}"],
  friends: ["好友", "Friends"], no_friends: ["还没有好友。分享一个红包吧。", "No friends yet. Share a packet."], fund: ["余额宝", "Money fund"],
  score: ["亲密度 {0}", "strength {0}"],
  friend_label: ["加好友（用户号）", "Add a friend (user number)"], add: ["加好友", "Add"], added: ["已发出邀请，等对方也加你。", "Asked. It is a tie once they add you, too."],
  tied: ["已成为好友。", "You are friends now."], asked_by: ["用户 {0} 想加你", "User {0} wants to be your friend"], why: ["为什么", "Why"],
  term_base: ["起点", "base"], term_contact: ["联系", "contact"], term_transfer: ["转账", "transfers"], term_gift: ["送礼", "gifts"], term_claim: ["红包", "packets"], term_card: ["福卡", "cards"],
  term_book: ["通讯录", "address book"], term_reciprocity: ["往来对等", "reciprocity"], term_mutual: ["共同好友", "mutual friends"],
  fund_label: ["金额（元）", "Amount (yuan)"], buy: ["转入", "Put in"], sell: ["转出", "Take out"], bought: ["已转入。", "Put in."], sold: ["已转出。", "Taken out."],
  foot: ["红包金额以服务器为准。断网或刷新不会丢，也不会多。", "Amounts are the server's. Nothing is lost by a broken line, and nothing is given twice."],
};
const CODES = {
  insufficient: ["余额不足", "the balance is too small"], too_fast: ["请求太频繁", "too many requests"],
  key_reused: ["这笔请求已用过", "this order was used before"], bad_request: ["输入不对", "the input is wrong"],
  degraded: ["系统忙", "the system is busy"], share_expired: ["红包已过期", "the packet has expired"],
  share_exhausted: ["红包已领完", "nothing is left"], own_share: ["不能领自己的红包", "it is your own packet"],
  kinds_missing: ["还没集齐五张", "a kind is missing"], combined_already: ["已经合成过了", "you have combined already"], no_real_name: ["尚未实名", "no real name was given"],
  self_tie: ["不能加自己", "that is yourself"], gift_to_oneself: ["不能送给自己", "that is yourself"],
  season_ended: ["活动已结束", "the season is over"], card_not_owned: ["没有这张卡", "you have no such card"],
};
const $ = (id) => document.getElementById(id);
const params = new URLSearchParams(location.search);
const store = {
  get: (name) => { try { return localStorage.getItem(`xiu.${name}`); } catch { return null; } },
  set: (name, value) => { try { value === null ? localStorage.removeItem(`xiu.${name}`) : localStorage.setItem(`xiu.${name}`, value); } catch { /* private mode */ } },
};
const chosen = params.get("lang") || store.get("lang") || (navigator.language || "zh");
let english = !chosen.toLowerCase().startsWith("zh");
const say = (name, ...values) => (WORDS[name] || CODES[name] || ["", ""])[english ? 1 : 0].replace(/{(\d)}/g, (_, k) => values[k]);
const yuan = (fen) => `¥${Math.floor(fen / 100).toLocaleString("en")}.${String(fen % 100).padStart(2, "0")}`;
const clock = (us) => new Date(us / 1000).toLocaleTimeString(english ? "en-GB" : "zh-CN", { hour12: false });
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const grows = (tries, first, most) => Math.min(first * 2 ** tries, most) * (0.75 + Math.random() / 2);
const make = (tag, text, name) => { const e = document.createElement(tag); if (text) e.textContent = text; if (name) e.className = name; return e; };

// -- talking to play -------------------------------------------------------------------------------------------
let token = store.get("token");
const uidOf = (text) => (text || "").split(".")[0];
async function ask(path, body, withToken = true) {
  // One request. status 0: nobody answered; what was asked may have happened all the same.
  const headers = { Accept: "application/json" };
  if (withToken && token) headers.Authorization = `Bearer ${token}`;
  if (body) headers["Content-Type"] = "application/json";
  const given = body === undefined ? { headers } : { method: "POST", headers, body: body ? JSON.stringify(body) : undefined };
  const stop = new AbortController(), timer = setTimeout(() => stop.abort(), 5000);
  try {
    const got = await fetch(path, { ...given, cache: "no-store", signal: stop.signal });
    const data = await got.json().catch(() => ({}));
    return { status: got.status, data, code: data.error ? data.error.code : "", wait: Number(got.headers.get("Retry-After")) || 1 };
  } catch {
    return { status: 0, data: {}, code: "", wait: 1 };
  } finally {
    clearTimeout(timer);
  }
}
const unsettled = (got) => got.status === 0 || got.status === 202 || got.status >= 500 || got.status === 429;
async function order(path, body, told) {
  // An order with a key of its own: the same key again until somebody knows what became of it.
  const mine = token;
  for (let tries = 0; mine === token; tries++) {
    const got = await ask(path, body);
    if (!unsettled(got)) { checkSession(got); return got; }
    told(say(got.status === 202 ? "waiting" : got.status === 429 ? "fast" : "away", got.wait));
    await pause(got.status === 429 ? got.wait * 1000 : grows(tries, 300, 5000));
  }
  return { status: 401, data: {}, code: "bad_token" };
}
const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");
const refused = (got) => say("said_no", (CODES[got.code] && say(got.code)) || (got.data.error && got.data.error.message) || got.status);
function checkSession(got) {
  if (got.status !== 401 || !token) return;
  signOut();
  $("sign-wrong").textContent = say("signed_out");
}

// -- the clock and the rounds ----------------------------------------------------------------------------------
let event = null, offset_us = 0, poked = null;
const now_us = () => performance.now() * 1000 + offset_us;
function current() {
  if (!event) return null;
  const now = now_us(), open = event.rounds.filter((r) => r.state === "armed" && r.end_us > now);
  return open[0] || event.rounds[event.rounds.length - 1] || null;
}
const nameOf = (round, number) => {
  const found = round && round.sponsors.find((each) => each.sponsor === number);
  return found ? found.name : say("sponsor", number);
};
const titleOf = (round) => round.title || say("round", round.round);
async function follow() {
  // The rounds, for ever: soon before and in a round, else every few seconds; after a failure later and later.
  for (let fails = 0; ; ) {
    const begun = performance.now(), got = await ask("/v1/event", undefined, false);
    if (got.status === 200) {
      offset_us = got.data.now_us - (begun + performance.now()) * 500;
      const first = event === null;
      event = got.data;
      fails = 0;
      if (first) await begin();
      draw();
    } else fails++;
    $("offline").hidden = fails < 2;
    $("offline").textContent = say("offline");
    const rest = fails ? grows(fails, 500, 8000) : document.hidden ? 20000 : 4000 + Math.random() * 2000;
    await Promise.race([pause(rest), new Promise((done) => { poked = done; })]);
  }
}
const poke = () => poked && poked();
function count(us) {
  const all = Math.max(0, Math.ceil(us / 1e6)), h = Math.floor(all / 3600), two = (n) => String(n).padStart(2, "0");
  return `${h ? `${h}:` : ""}${two(Math.floor(all / 60) % 60)}:${two(all % 60)}`;
}
let lastPhase = "";
function tick() {
  const round = current(), now = now_us();
  const phase = !round ? "none" : now < round.start_us ? "before" : now < round.end_us && round.state === "armed" ? "open" : "over";
  $("title").textContent = round ? titleOf(round) : say("no_round");
  $("count").textContent = phase === "before" ? count(round.start_us - now) : phase === "open" ? count(round.end_us - now) : "––:––";
  $("phase").textContent = { none: "", before: say("till_start"), open: say("till_end"), over: say("over") }[phase];
  $("red").setAttribute("aria-disabled", String(phase !== "open"));
  const key = `${phase}${round ? round.round : ""}${english}`;
  if (key !== lastPhase) {
    lastPhase = key;
    const win = round && won.get(round.round);
    if (win && phase !== "before") tell(say("said_win", yuan(win.fen)));
    else tell(say({ none: "no_round_said", before: "ready", open: token ? "go" : "sign_first", over: "over" }[phase]));
    if (event) drawRounds();
  }
  return phase;
}

// -- the sound -------------------------------------------------------------------------------------------------
let audio = null, loud = store.get("sound") !== "off";
function whoosh() {
  // 咻: noise through a band that rises and falls, with a whistle that glides down. Nothing is fetched.
  if (!loud) return;
  const Context = window.AudioContext || window.webkitAudioContext;
  if (!Context) return;
  audio = audio || new Context();
  if (audio.state === "suspended") audio.resume();
  const at = audio.currentTime, long = 0.32, noise = audio.createBufferSource(), band = audio.createBiquadFilter();
  const buffer = audio.createBuffer(1, audio.sampleRate * long, audio.sampleRate), data = buffer.getChannelData(0);
  for (let k = 0; k < data.length; k++) data[k] = Math.random() * 2 - 1;
  noise.buffer = buffer;
  band.type = "bandpass"; band.Q.value = 4;
  band.frequency.setValueAtTime(700, at);
  band.frequency.exponentialRampToValueAtTime(4200, at + 0.1);
  band.frequency.exponentialRampToValueAtTime(500, at + long);
  const whistle = audio.createOscillator(), soft = audio.createGain(), out = audio.createGain();
  whistle.frequency.setValueAtTime(2400, at);
  whistle.frequency.exponentialRampToValueAtTime(260, at + long);
  soft.gain.value = 0.12;
  out.gain.setValueAtTime(0.0001, at);
  out.gain.exponentialRampToValueAtTime(0.5, at + 0.05);
  out.gain.exponentialRampToValueAtTime(0.0001, at + long);
  noise.connect(band).connect(out); whistle.connect(soft).connect(out); out.connect(audio.destination);
  noise.onended = () => { $("red").dataset.heard = String(Number($("red").dataset.heard) + 1); out.disconnect(); };
  noise.start(at); noise.stop(at + long); whistle.start(at); whistle.stop(at + long);
}

// -- the button ------------------------------------------------------------------------------------------------
const TAPS_A_SECOND = 7;
let sent = [], busy = false, notBefore = 0;
const won = new Map();
const tell = (text) => { if ($("said").textContent !== text) $("said").textContent = text; };
function press() {
  whoosh();
  const red = $("red");
  red.classList.remove("wave"); void red.offsetWidth; red.classList.add("wave");
  if (!token) { tell(say("sign_first")); const box = $("uid-form").hidden ? $("token") : $("uid"); box.focus(); return; }
  const phase = tick(), now = performance.now();
  if (phase !== "open") { tell(say({ none: "no_round_said", before: "early", over: "over" }[phase])); return; }
  if (busy) return; // The tap under way answers for this press, too.
  if (now < notBefore) return;
  sent = sent.filter((at) => now - at < 1000);
  if (sent.length >= TAPS_A_SECOND) { tell(say("quick")); return; }
  busy = true;
  tap(current()).finally(() => { busy = false; });
}
async function tap(round) {
  // One tap until its answer is definite. Again is always safe: a front knows who has won.
  const mine = token;
  for (let tries = 0, doubt = false; mine === token; tries++) {
    sent.push(performance.now());
    const got = await ask(`/v1/rounds/${round.round}/taps`, null), data = got.data;
    if (mine !== token) return;
    if (got.status === 200 && data.won) { showWin(round, data, !data.repeat); return; }
    if (got.status === 200) {
      notBefore = performance.now() + Math.min(data.next_ms || 0, 5000);
      tell(data.sponsor ? say("lost_by", nameOf(round, data.sponsor)) : say("lost"));
      if (data.ticket) redeem(data.ticket);
      return;
    }
    if (got.status === 409) { if (data.starts_in_ms) offset_us = round.start_us - data.starts_in_ms * 1000 - performance.now() * 1000; tick(); return; }
    if (got.status === 401 || got.status === 403) { checkSession(got); return; }
    if (got.status === 410 || got.status === 404 || got.status === 421) { if (doubt) await refresh(); poke(); tell(say("over")); return; }
    doubt = doubt || got.status !== 429;
    tell(say(got.status === 202 ? "pending" : got.status === 429 ? "fast" : "away", got.wait));
    await pause(got.status === 429 ? got.wait * 1000 : got.status === 202 ? grows(tries, 250, 2000) : grows(tries, 400, 5000));
  }
}
function showWin(round, win, fresh) {
  const known = won.get(round.round);
  won.set(round.round, { ...known, ...win, round });
  if (known && !fresh) { tell(say("said_win", yuan(win.fen))); return; }
  shown = round.round;
  drawWin();
  tell(say("said_win", yuan(win.fen)));
  if (fresh) {
    $("win").classList.remove("new"); void $("win").offsetWidth; $("win").classList.add("new");
    if (navigator.vibrate) try { navigator.vibrate(80); } catch { /* not allowed */ }
  }
  refresh(win.award);
}
let shown = null;
function drawWin() {
  const win = won.get(shown);
  $("win").hidden = !win;
  if (!win) return;
  $("win-fen").textContent = yuan(win.fen);
  $("win-sponsor").textContent = say("by", nameOf(win.round, win.sponsor));
  const state = win.state || "processing";
  $("win-state").textContent = say({ credited: "credited", held: "held" }[state] || "way");
  drawShare(win, state);
}

// -- the wallet ------------------------------------------------------------------------------------------------
let refreshing = 0;
async function refresh(award) {
  // The balance; with an award again and again until it is in the ledger.
  const mine = token, number = ++refreshing;
  for (let tries = 0; mine && mine === token && number === refreshing; tries++) {
    const got = await ask(`/v1/wallet${award ? `?award=${award}` : ""}`);
    if (mine !== token || number !== refreshing) return;
    if (got.status === 401) { checkSession(got); return; }
    if (got.status === 200) {
      $("balance").textContent = yuan(got.data.balance_fen);
      $("processing").hidden = !got.data.processing;
      const win = [...won.values()].find((each) => each.award === award);
      if (win && got.data.award) { win.state = got.data.award.state; drawWin(); }
      await statement(mine);
      if (!got.data.processing) return;
    } else if (!unsettled(got)) return;
    await pause(grows(tries, 400, 4000));
  }
}
async function statement(mine) {
  const got = await ask("/v1/wallet/statement?limit=50");
  if (got.status !== 200 || mine !== token) return;
  $("lines").replaceChildren(...(got.data.lines.length ? got.data.lines.map((line) => {
    const item = make("li", ""), round = event && event.rounds.find((each) => each.round === line.round);
    const what = line.kind === "credit" ? nameOf(round, line.sponsor) : line.what || (WORDS[`kind_${line.kind}`] ? say(`kind_${line.kind}`) : line.kind);
    item.append(make("span", what), make("b", `${line.fen < 0 ? "−" : "+"}${yuan(Math.abs(line.fen))}`), make("span", `${clock(line.awarded_us || line.credited_us)} · ${line.award || `#${line.transfer}`}`, "soft"));
    if (round && line.kind === "credit" && !won.has(round.round)) {
      won.set(round.round, { award: line.award, fen: line.fen, sponsor: line.sponsor, state: "credited", round });
      if (current() && current().round === round.round) { shown = round.round; lastPhase = ""; drawWin(); tick(); }
    }
    return item;
  }) : [make("li", say("none"), "soft")]));
}
const fenOf = (text) => { const [whole, part = ""] = text.trim().split("."); return Number(whole) * 100 + Number(part.padEnd(2, "0")); };
function form(id, path, body, done, said = `${id}-said`) {
  $(`${id}-form`).addEventListener("submit", async (e) => {
    e.preventDefault();
    const button = e.submitter || e.target.querySelector("button");
    if (button.disabled) return;
    button.disabled = true;
    const words = (text) => { $(said).textContent = text; };
    words("");
    const got = await order(typeof path === "function" ? path(button) : path, body(button), words);
    words(got.status === 200 ? done(got.data, button) : refused(got));
    button.disabled = false;
    refresh();
  });
}

// -- signing in ------------------------------------------------------------------------------------------------
function signIn(text) {
  token = text.trim();
  store.set("token", token);
  won.clear(); shown = null; lastPhase = "";
  $("sign-wrong").textContent = ""; $("token").value = "";
  draw();
  refresh();
  refreshPlays();
}
function signOut() {
  token = null; refreshing++;
  store.set("token", null);
  won.clear(); shown = null; lastPhase = "";
  draw();
}
async function withToken(text) {
  const before = token;
  token = text.trim();
  const got = await ask("/v1/wallet");
  token = before;
  if (got.status === 200 || unsettled(got)) signIn(text);
  else $("sign-wrong").textContent = say("bad_token");
}
async function withUid(uid) {
  const got = await ask("/v1/event/sign-in", { uid: Number(uid) }, false);
  if (got.status === 200) signIn(got.data.token);
  else $("sign-wrong").textContent = refused(got);
}

/*PLAYS*/

// -- drawing ---------------------------------------------------------------------------------------------------
function drawRounds() {
  $("rounds").replaceChildren(...(event.rounds.length ? event.rounds.map((round) => {
    const item = make("li", ""), now = now_us();
    const state = round.state !== "armed" || now >= round.end_us ? "closed" : now < round.start_us ? "soon" : "is_open";
    item.append(make("span", titleOf(round)), make("b", say(state)), make("span", say("opens_at", clock(round.start_us), round.packets.toLocaleString("en")), "soft"));
    return item;
  }) : [make("li", say("none"), "soft")]));
}
function draw() {
  document.documentElement.lang = english ? "en" : "zh-CN";
  document.title = say("page");
  for (const e of document.querySelectorAll("[data-word]")) e.textContent = say(e.dataset.word);
  $("language").textContent = say("lang"); $("language").lang = english ? "zh-CN" : "en";
  $("language").setAttribute("aria-label", say("lang_says"));
  $("red").setAttribute("aria-label", say("press_says"));
  $("sound").setAttribute("aria-pressed", String(loud));
  $("sign").hidden = Boolean(token); $("wallet").hidden = !token;
  $("uid-form").hidden = !(event && event.sign_in);
  $("who").textContent = token ? say("who", uidOf(token)) : "";
  drawWin();
  drawPlays();
  if (event) drawRounds();
  tick();
}
async function begin() {
  const uid = params.get("uid");
  if (uid && /^\d{1,18}$/.test(uid) && event.sign_in && uidOf(token) !== uid) await withUid(uid);
  else if (token) { refresh(); refreshPlays(); }
}
$("red").addEventListener("click", press);
$("sound").addEventListener("click", () => { loud = !loud; store.set("sound", loud ? "on" : "off"); draw(); });
$("language").addEventListener("click", () => { english = !english; store.set("lang", english ? "en" : "zh"); draw(); if (token) { refresh(); refreshPlays(); } });
$("token-form").addEventListener("submit", (e) => { e.preventDefault(); withToken($("token").value); });
$("uid-form").addEventListener("submit", (e) => { e.preventDefault(); withUid($("uid").value); });
$("out").addEventListener("click", signOut);
form("spend", "/v1/wallet/spend", () => ({ key: newKey(), fen: fenOf($("spend").value) }), (data) => { const fen = -data.legs.find((leg) => leg.amount < 0).amount; $("spend").value = ""; return say("spent", yuan(fen)); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) { poke(); if (token) { refresh(); refreshPlays(); } } });
window.addEventListener("online", poke);
window.addEventListener("storage", (e) => { if (e.key === "xiu.token" && e.newValue !== token) e.newValue ? signIn(e.newValue) : signOut(); });
setInterval(tick, 200);
draw();
follow();
