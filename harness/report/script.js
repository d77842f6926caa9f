"use strict";
(() => {
  const root = document.documentElement;
  const speak = (asked) => {
    const lang = asked === "zh" ? "zh" : "en";
    root.dataset.lang = lang;
    root.lang = lang === "zh" ? "zh-CN" : "en";
    document.title = root.dataset[lang === "zh" ? "titleZh" : "titleEn"];
    for (const one of document.querySelectorAll("[data-zh]")) one.setAttribute("aria-label", one.dataset[lang]);
  };
  const kept = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
  const keep = (key, value) => { try { localStorage.setItem(key, value); } catch { /* a file opened from disk may not */ } };
  const asked = new URLSearchParams(location.search);
  speak(asked.get("lang") || kept("xiu-lang") || (navigator.language.startsWith("zh") ? "zh" : "en"));
  document.getElementById("language").addEventListener("click", () => {
    speak(root.dataset.lang === "zh" ? "en" : "zh");
    keep("xiu-lang", root.dataset.lang);
  });
  document.getElementById("skip").addEventListener("click", () => document.getElementById("main").focus());
  const themes = ["auto", "light", "dark"];
  const paint = (theme) => { root.dataset.theme = themes.includes(theme) ? theme : "auto"; };
  paint(asked.get("theme") || kept("xiu-theme"));
  document.getElementById("theme").addEventListener("click", () => {
    paint(themes[(themes.indexOf(root.dataset.theme) + 1) % themes.length]);
    keep("xiu-theme", root.dataset.theme);
  });

  // What scrolls can be scrolled by keyboard; what only lies there is no stop on the way.
  const stops = () => {
    for (const one of document.querySelectorAll(".scroll, pre")) {
      if (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1) one.tabIndex = 0;
      else one.removeAttribute("tabindex");
    }
  };
  stops();
  addEventListener("resize", stops);
  for (const one of document.querySelectorAll("details")) one.addEventListener("toggle", stops);
  // Paper cannot be opened: everything is, for as long as it is printed.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const one of closed) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of closed) one.open = false; });

  const box = document.getElementById("timeline");
  if (!box) return;
  const rows = JSON.parse(document.getElementById("timeline-json").textContent).per_second;
  const first = Number(box.dataset.first), span = Number(box.dataset.last) - first;
  const readout = document.getElementById("readout");
  const areas = [...box.querySelectorAll(".plot .area")];
  const zh = () => root.dataset.lang === "zh";
  const figure = (value) => value === null ? "–" : value.toLocaleString("en", { maximumFractionDigits: 2 });
  const yuan = (fen) => fen === null ? "–" : (fen / 100).toFixed(2);
  let at = -1;
  const show = (index) => {
    at = Math.max(0, Math.min(rows.length - 1, index));
    const row = rows[at];
    for (const area of areas) {
      const line = area.querySelector(".cursor");
      line.hidden = false;
      line.style.left = ((row.second + 0.5 - first) / span * 100) + "%";
    }
    const words = zh()
      ? [["第", row.second + " 秒"], ["送出", figure(row.offered)], ["回答", figure(row.answered)], ["拒绝", figure(row.refused)],
         ["中奖", figure(row.wins)], ["回答 p99", figure(row.p99_response_ms) + " ms"], ["服务 p99", figure(row.p99_service_ms) + " ms"],
         ["积压", figure(row.backlog_entries)], ["入账", yuan(row.credited_fen) + " 元"]]
      : [["second", row.second], ["offered", figure(row.offered)], ["answered", figure(row.answered)], ["refused", figure(row.refused)],
         ["wins", figure(row.wins)], ["response p99", figure(row.p99_response_ms) + " ms"], ["service p99", figure(row.p99_service_ms) + " ms"],
         ["backlog", figure(row.backlog_entries)], ["credited", yuan(row.credited_fen) + " yuan"]];
    readout.textContent = words.map(([name, value]) => name + "  " + value).join("\n");
    readout.hidden = false;
    const right = (row.second - first) / span > 0.6;
    readout.style.left = right ? "60px" : "auto";
    readout.style.right = right ? "auto" : "0";
  };
  const hide = () => {
    readout.hidden = true;
    for (const area of areas) area.querySelector(".cursor").hidden = true;
  };
  box.addEventListener("pointermove", (event) => {
    const rect = areas[0].getBoundingClientRect();
    const part = (event.clientX - rect.left) / rect.width;
    if (part < 0 || part > 1) { hide(); return; }
    show(rows.findIndex((row) => row.second + 1 > first + part * span));
  });
  box.addEventListener("pointerleave", hide);
  box.addEventListener("blur", hide);
  box.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
    if (event.key === "Escape") hide();
    if (move === undefined) return;
    event.preventDefault();
    show(at + move);
  });
})();
