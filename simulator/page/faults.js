// Faults on purpose: of Telegram, of the sites, of the line, and of the bot.

import { $, el } from "./dom.js";
import { act, on, store } from "./store.js";

const KINDS = [["", "None"], ["slow", "Slow"], ["404", "404 Not found"], ["403", "403 Forbidden"], ["503", "503 Unavailable"],
  ["captcha", "Captcha"], ["region", "Wrong country"], ["truncated", "Files break off"]];
/** Speeds of the line, in bytes per second. */
const SPEEDS = { 0: "as fast as it goes", 6000000: "50 Mbit/s", 1250000: "10 Mbit/s", 250000: "2 Mbit/s", 60000: "0.5 Mbit/s" };

/** Set up the switches; `notice` shows a text. */
export function faults(notice) {
  const guarded = (work) => work.catch((error) => notice(error.message));
  for (const button of document.querySelectorAll("[data-fault]")) {
    button.onclick = () => guarded(act("fault", { method: "*", kind: button.dataset.fault })
      .then(() => notice(`The bot's next call gets: ${button.textContent.toLowerCase()}.`)));
  }
  $("#crash").onclick = () => guarded(act("crash", {}));
  $("#latency").oninput = ({ target }) => guarded(act("latency", { seconds: Number(target.value) }));
  $("#line").onchange = ({ target }) => guarded(act("line", { bytes_per_s: Number(target.value) }));
  $("#site").onchange = ({ target }) => guarded(act("site", { site: target.value, kind: store.faults.kind }));
  $("#site-faults").append(...KINDS.map(([kind, title]) => {
    const button = el("button", { type: "button", onclick: () => guarded(act("site", { site: $("#site").value, kind })) }, title);
    button.dataset.kind = kind;
    return button;
  }));
  on("state", () => {
    $("#site").replaceChildren(el("option", { value: "" }, "all sites"), ...store.sites.map((name) => el("option", { value: name }, name)));
    show();
    running();
  });
  on("faults", show);
  on("running", running);
}

function show() {
  const { latency, bytes_per_s: speed, site, kind } = store.faults;
  $("#latency").value = latency;
  $("#latency").style.setProperty("--done", `${(latency / $("#latency").max) * 100}%`);
  $("#latency + output").textContent = `${latency} s`;
  const speeds = { ...SPEEDS, [speed]: SPEEDS[speed] ?? `${Math.round(speed / 1000)} KB/s` };
  $("#line").replaceChildren(...Object.entries(speeds).map(([value, title]) => el("option", { value, selected: Number(value) === speed }, title)));
  $("#site").value = site;
  for (const button of document.querySelectorAll("[data-kind]")) button.ariaPressed = String(button.dataset.kind === kind);
}

function running() {
  $("#bot-state").textContent = store.running ? "The bot is running." : "The bot is down.";
  $("#crash").disabled = !store.running;
}

/** Show which ways to the sites the bot has paused. */
export function showBreakers(processes) {
  const paused = [...new Set(processes.flatMap((process) => process.paused))];
  $("#breakers").textContent = paused.length ? `Circuit breaker open: ${paused.join(", ")}` : processes.length ? "Circuit breaker closed: every way to the sites is in use." : "";
}
