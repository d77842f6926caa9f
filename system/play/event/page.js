"use strict";
// The event page. Everything it shows comes from this system's own JSON; texts are set as text, never as HTML.
/*WORDS*/
const $ = (id) => document.getElementById(id);
const params = new URLSearchParams(location.search);
const store = {
  get: (name) => { try { return localStorage.getItem(`xiu.${name}`); } catch { return null; } },
  set: (name, value) => { try { value === null ? localStorage.removeItem(`xiu.${name}`) : localStorage.setItem(`xiu.${name}`, value); } catch { /* private mode */ } },
};
const chosen = params.get("lang") || store.get("lang") || (navigator.language || "zh");
let english = !chosen.toLowerCase().startsWith("zh");
const say = (name, ...values) => (WORDS[name] || ["", ""])[english ? 1 : 0].replace(/{(\d)}/g, (_, k) => values[k]);
const listed = (table, name) => (Object.hasOwn(table, name) ? table[name][english ? 1 : 0] : "");
const yuan = (fen) => `¥${Math.floor(fen / 100).toLocaleString("en")}.${String(fen % 100).padStart(2, "0")}`;
const clock = (us) => new Date(us / 1000).toLocaleTimeString(english ? "en-GB" : "zh-CN", { hour12: false });
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const grows = (tries, first, most) => Math.min(first * 2 ** tries, most) * (0.75 + Math.random() / 2);
const make = (tag, text, name) => { const e = document.createElement(tag); if (text) e.textContent = text; if (name) e.className = name; return e; };
function fill(list, rows) {
  // Rows are [key, make]. A row that says the same as before stays the same element, so that a press, the focus, an open line outlive a refresh.
  const had = new Map([...list.children].map((e) => [e.dataset.key, e]));
  const now = rows.map(([key, made]) => { const id = `${english} ${key}`, e = had.get(id) || made(); had.delete(id); e.dataset.key = id; return e; });
  for (const e of [...list.children]) if (!now.includes(e)) e.remove();
  now.forEach((e, k) => { if (list.children[k] !== e) list.insertBefore(e, list.children[k] || null); });
}

const nothing = [["none", () => make("li", say("none"), "soft")]];

// -- talking to play -------------------------------------------------------------------------------------------
let token = store.get("token");
const uidOf = (text) => (text || "").split(".")[0];
// Users' numbers reach beyond 2^53, where JavaScript's end: such a one stays text, in what is read and in what is sent.
const exact = (text) => JSON.parse(text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (one) => (/^\d+$/.test(one) && !Number.isSafeInteger(Number(one)) ? `"${one}"` : one)));
const written = (body) => JSON.stringify(body).replace(/"(uid|friend|to)":"(\d+)"/g, '"$1":$2');
const uidIn = (text) => text.trim().replace(/^0+(?=\d)/, "");
async function ask(path, body, withToken = true) {
  // One request. status 0: nobody answered; what was asked may have happened all the same.
  const headers = { Accept: "application/json" };
  if (withToken && token) headers.Authorization = `Bearer ${token}`;
  if (body) headers["Content-Type"] = "application/json";
  const given = body === undefined ? { headers } : { method: "POST", headers, body: body ? written(body) : undefined };
  const stop = new AbortController(), timer = setTimeout(() => stop.abort(), 5000);
  try {
    const got = await fetch(path, { ...given, cache: "no-store", signal: stop.signal });
    const data = await got.text().then(exact).catch(() => ({}));
    return { status: got.status, data, code: data.error ? data.error.code : "", wait: Number(got.headers.get("Retry-After")) || 1 };
  } catch {
    return { status: 0, data: {}, code: "", wait: 1 };
  } finally {
    clearTimeout(timer);
  }
}
const unsettled = (got) => got.status === 0 || got.status === 202 || got.status >= 500 || got.status === 429;
// Why the same is asked again: too fast, certainly nothing happened, or nobody knows.
const again = (got, pending = "waiting") =>
  say(got.status === 202 ? pending : got.status === 429 ? "fast" : got.data.error && got.data.error.effect === "none" ? "away" : "unknown", got.wait);
// Orders under way, kept where a page that is left or loaded anew finds them again. One that is a day old is nobody's.
const DAY_MS = 86_400_000;
const kept = () => { try { return JSON.parse(store.get("orders")) || {}; } catch { return {}; } };
const keep = (id, what) => { const all = kept(); what ? (all[id] = what) : delete all[id]; store.set("orders", Object.keys(all).length ? JSON.stringify(all) : null); };
async function order(path, body, told, id = newKey()) {
  // An order with a key of its own: the same key again until somebody knows what became of it.
  const mine = token;
  keep(id, { uid: uidOf(mine), path, body, at: Date.now() });
  for (let tries = 0; mine === token; tries++) {
    const got = await ask(path, body);
    if (!unsettled(got)) { if (got.status !== 401) keep(id, null); checkSession(got); return got; }
    told(again(got));
    await pause(got.status === 429 ? got.wait * 1000 : grows(tries, 300, 5000));
  }
  return { status: 0, data: {}, code: "" }; // Somebody else is signed in now; this user's next page asks again.
}
const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");
const refused = (got) => got.status === 0 ? "" : say("said_no", listed(CODES, got.code) || (got.data.error && got.data.error.message) || got.status);
let resuming = null;
async function resume() {
  // What an earlier page of this user ordered and did not hear the end of.
  if (resuming === token) return;
  const mine = resuming = token, told = (text) => { $("kept").textContent = text; };
  for (const [id, was] of Object.entries(kept())) {
    if (was.uid !== uidOf(mine) || mine !== token) continue;
    if (!(Date.now() - was.at < DAY_MS)) { keep(id, null); continue; }
    const got = await order(was.path, was.body, told, id);
    if (mine !== token) return;
    told(got.status === 200 ? say("kept_done") : refused(got));
    refresh(); refreshPlays();
  }
}
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
  const open = event.rounds.filter((round) => !["over", "missed"].includes(phaseOf(round)));
  return open.find((round) => phaseOf(round) === "open") || open[0] || event.rounds[event.rounds.length - 1] || null;
}
function phaseOf(round) {
  // From what the system last said of it, carried on by the clock. `late`: its time has come, and no front knows it yet.
  const now = now_us(), made = round.state !== "announced";
  if (round.state === "missed" || (!made && now >= round.end_us)) return "missed";
  if (round.state === "closing" || round.state === "closed" || now >= round.end_us) return "over";
  return now < round.start_us ? "before" : made ? "open" : "late";
}
const nameOf = (round, number) => {
  const found = round && round.sponsors.find((each) => each.sponsor === number);
  return found ? found.name : say("sponsor", number);
};
const titleOf = (round) => round.title || say("round", round.round);
async function follow() {
  // The rounds, for ever, every few seconds; after a failure later and later.
  for (let fails = 0; ; ) {
    const begun = performance.now(), got = await ask("/v1/event", undefined, false);
    if (got.status === 200) {
      offset_us = got.data.now_us - (begun + performance.now()) * 500;
      const first = event === null, back = fails > 0 && token;
      event = got.data;
      fails = 0;
      if (first) await begin();
      else if (back) { refresh(); refreshPlays(); }
      draw();
    } else fails++;
    $("offline").hidden = fails < 2;
    $("offline").textContent = `${say("offline")} ${token && event ? say("stale") : ""}`;
    const rest = fails ? grows(fails, 500, 8000) : document.hidden ? 20000 : 4000 + Math.random() * 2000;
    await Promise.race([pause(rest), new Promise((done) => { poked = done; })]);
  }
}
const poke = () => poked && poked();
async function lookAgain() {
  // What others do (a gift, the pot, a claim) is seen within a minute, where somebody looks.
  for (;;) {
    await pause(45_000 + Math.random() * 30_000);
    if (token && !document.hidden && !offline()) { refresh(); refreshPlays(); }
  }
}
const offline = () => !$("offline").hidden;
function count(us) {
  const all = Math.max(0, Math.ceil(us / 1e6)), h = Math.floor(all / 3600), two = (n) => String(n).padStart(2, "0");
  return `${h ? `${h}:` : ""}${two(Math.floor(all / 60) % 60)}:${two(all % 60)}`;
}
let lastPhase = "";
function tick() {
  const round = current(), now = now_us();
  const phase = round ? phaseOf(round) : "none";
  $("title").textContent = round ? titleOf(round) : say("no_round");
  $("count").textContent = phase === "before" ? count(round.start_us - now) : phase === "open" ? count(round.end_us - now) : "––:––";
  $("phase").textContent = { none: "", before: say("till_start"), open: say("till_end"), over: say("over"), late: say("late"), missed: say("missed") }[phase];
  $("red").setAttribute("aria-disabled", String(phase !== "open"));
  const key = `${phase}${round ? round.round : ""}${english}`;
  if (key !== lastPhase) {
    lastPhase = key;
    const win = round && won.get(round.round);
    if (win && phase !== "before") tell(say("said_win", yuan(win.fen)));
    else tell(say({ none: "no_round_said", before: "ready", open: token ? "go" : "sign_first", over: "over", late: "late_said", missed: "missed_said" }[phase]));
    if (event) drawRounds();
    // It may be made by now. Not everybody at once.
    if (phase === "late") setTimeout(poke, Math.random() * 2000);
    // Whose answer was lost, and who was away, sees it all the same. Not everybody at once.
    if (phase === "over" && token) setTimeout(refresh, 1000 + Math.random() * 4000);
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
  if (phase !== "open") { tell(say({ none: "no_round_said", before: "early", over: "over", late: "late_said", missed: "missed_said" }[phase])); return; }
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
    if (got.status === 401) { checkSession(got); return; }
    if (got.status === 410 || got.status === 404 || got.status === 421) { if (doubt) await refresh(); poke(); tell(say("over")); return; }
    if (!unsettled(got)) { tell(refused(got)); return; }
    doubt = doubt || got.status !== 429;
    tell(again(got, "pending"));
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
  refresh();
}
let shown = null;
function drawWin() {
  const win = won.get(shown);
  $("win").hidden = !win;
  if (!win) return;
  $("win-fen").textContent = yuan(win.fen);
  $("win-sponsor").textContent = say("by", nameOf(win.round, win.sponsor));
  const state = win.state || "processing";
  $("win-state").textContent = say({ credited: "credited", held: "held", not_awarded: "not_awarded" }[state] || "way");
  drawShare(win, state);
}

// -- the wallet ------------------------------------------------------------------------------------------------
let refreshing = 0;
const SETTLED = ["credited", "held", "not_awarded"];
async function refresh() {
  // The balance; where a win is on its way, again and again until it is in the ledger.
  const mine = token, number = ++refreshing;
  for (let tries = 0; mine && mine === token && number === refreshing; tries++) {
    const win = [...won.values()].find((each) => !SETTLED.includes(each.state));
    const got = await ask(`/v1/wallet${win ? `?award=${win.award}` : ""}`);
    if (mine !== token || number !== refreshing) return;
    if (got.status === 401) { checkSession(got); return; }
    if (got.status === 200) {
      $("balance").textContent = yuan(got.data.balance_fen);
      $("processing").hidden = !got.data.processing;
      if (win && got.data.award) { win.state = got.data.award.state; drawWin(); }
      await statement(() => mine !== token || number !== refreshing);
      if (!win) return;
      if (SETTLED.includes(win.state)) continue;
    } else if (!unsettled(got)) return;
    await pause(grows(tries, 400, 4000));
  }
}
async function statement(stale) {
  const got = await ask("/v1/wallet/statement?limit=50");
  if (got.status !== 200 || stale()) return;
  fill($("lines"), got.data.lines.length ? got.data.lines.map((line) => {
    const round = event && event.rounds.find((each) => each.round === line.round);
    const what = line.kind === "credit" ? nameOf(round, line.sponsor) : [listed(KINDS, line.kind) || line.kind, line.what].filter(Boolean).join(" · ");
    if (round && line.kind === "credit" && !won.has(round.round)) {
      won.set(round.round, { award: line.award, fen: line.fen, sponsor: line.sponsor, state: "credited", round });
      if (current() && current().round === round.round) { shown = round.round; lastPhase = ""; drawWin(); tick(); }
    }
    return [`${what} ${JSON.stringify(line)}`, () => {
      const item = make("li", "");
      item.append(make("span", what), make("b", `${line.fen < 0 ? "−" : "+"}${yuan(Math.abs(line.fen))}`), make("span", `${clock(line.awarded_us || line.credited_us)} · ${line.award || `#${line.transfer}`}`, "soft"));
      return item;
    }];
  }) : nothing);
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
function become(whose) {
  // Another user, or nobody: what belongs to one is never shown to the next.
  const same = token && whose && uidOf(token) === uidOf(whose);
  token = whose; resuming = null; refreshing++; lastPhase = "";
  store.set("token", token);
  if (same) return;
  won.clear(); shown = null;
  for (const id of ["balance", "kept", "spend-said"]) $(id).textContent = "";
  $("lines").replaceChildren();
  forgetPlays();
}
function signIn(text) {
  become(text.trim());
  $("sign-wrong").textContent = ""; $("token").value = "";
  draw();
  refresh();
  refreshPlays();
  resume();
}
function signOut() {
  become(null);
  draw();
}
async function withToken(text) {
  const before = token;
  token = text.trim();
  const got = await ask("/v1/wallet");
  token = before;
  if (got.status === 200 || unsettled(got)) signIn(text);
  else $("sign-wrong").textContent = say("wrong_token");
}
async function withUid(uid) {
  const got = await ask("/v1/event/sign-in", { uid: uidIn(uid) }, false);
  if (got.status === 200) signIn(got.data.token);
  else $("sign-wrong").textContent = refused(got);
}

/*PLAYS*/

// -- drawing ---------------------------------------------------------------------------------------------------
function drawRounds() {
  fill($("rounds"), event.rounds.length ? event.rounds.map((round) => {
    const state = { before: "soon", open: "is_open", over: "closed", late: "late", missed: "missed" }[phaseOf(round)];
    return [`${state} ${JSON.stringify(round)}`, () => {
      const item = make("li", "");
      item.append(make("span", titleOf(round)), make("b", say(state)), make("span", say("opens_at", clock(round.start_us), round.packets.toLocaleString("en")), "soft"));
      return item;
    }];
  }) : nothing);
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
const unsaid = () => { for (const e of document.querySelectorAll(".said-here, .wrong")) e.textContent = ""; }; // said in the other language
async function begin() {
  const uid = params.get("uid");
  if (uid && /^\d{1,19}$/.test(uid) && event.sign_in && uidOf(token) !== uid) await withUid(uid);
  else if (token) { refresh(); refreshPlays(); resume(); }
}
$("red").addEventListener("click", press);
$("sound").addEventListener("click", () => { loud = !loud; store.set("sound", loud ? "on" : "off"); draw(); });
$("language").addEventListener("click", () => { english = !english; store.set("lang", english ? "en" : "zh"); unsaid(); draw(); if (token) { refresh(); refreshPlays(); } });
$("token-form").addEventListener("submit", (e) => { e.preventDefault(); withToken($("token").value); });
$("uid-form").addEventListener("submit", (e) => { e.preventDefault(); withUid($("uid").value); });
$("out").addEventListener("click", signOut);
// The win that is still on its way, if any: who counts on it hears "processing", not "not enough".
const onItsWay = () => ([...won.values()].find((win) => (win.state || "processing") === "processing") || {}).award;
form("spend", "/v1/wallet/spend", () => ({ key: newKey(), fen: fenOf($("spend").value), award: onItsWay() }), (data) => { const fen = -data.legs.find((leg) => leg.amount < 0).amount; $("spend").value = ""; return say("spent", yuan(fen)); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) { poke(); if (token) { refresh(); refreshPlays(); } } });
window.addEventListener("online", poke);
window.addEventListener("storage", (e) => { if (e.key === "xiu.token" && e.newValue !== token) e.newValue ? signIn(e.newValue) : signOut(); });
setInterval(tick, 200);
draw();
follow();
lookAgain();
