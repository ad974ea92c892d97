// The bot's processes: which has which request, how busy each is, and a way to kill one.

import { $, counted, el } from "./dom.js";
import { administrators } from "./roles.js";
import { act, on } from "./store.js";

let before = null;
let complain = null;

/** Set up the list of processes; `notice` shows a text. */
export function processes(notice) {
  complain = notice;
  for (const kind of ["state", "person", "chat"]) on(kind, () => administrators($("#roles")));
}

/** Show what the processes do; CPU is a share of one core since the look before. */
export function showProcesses(vitals) {
  if (!vitals.processes.length) return;
  const focused = document.activeElement?.dataset.name;
  const seconds = before ? vitals.at - before.at : 0;
  const earlier = new Map(before?.processes.flatMap((one) => [one, ...one.children]).map((one) => [one.pid, one.cpu_s]));
  const share = ({ pid, cpu_s: cpu }) => seconds && earlier.has(pid) ? Math.round(((cpu - earlier.get(pid)) / seconds) * 100) : 0;
  $("#processes").replaceChildren(...vitals.processes.map((one) => box(one, share, vitals.processes.length)));
  if (vitals.left.length) {
    $("#processes").append(el("p.note", {}, `Left by a killed process: ${vitals.left.map((row) => `#${row}`).join(" ")}. Another takes over when the lease expires.`));
  }
  document.querySelector(`#processes [data-name="${focused}"]`)?.focus();
  before = vitals;
}

function box(one, share, count) {
  const facts = [];
  if (one.pid) {
    facts.push(["CPU", load(share(one))]);
    if (one.children.length) facts.push(["Media workers", load(one.children.reduce((sum, child) => sum + share(child), 0), `, ${counted(one.children.length, "process", "processes")}`)]);
  }
  if (one.running !== null) facts.push(["Requests", `${one.running} running, ${one.waiting} waiting`]);
  facts.push(["Holds", one.requests.length ? one.requests.map((row) => `#${row}`).join(" ") : "no request"]);
  const kill = el("button", { type: "button", disabled: !one.pid, onclick: () => end(one.name, count) }, count > 1 ? "Kill" : "Kill and restart");
  kill.dataset.name = one.name;
  return el(one.pid ? "div.process" : "div.process.down", {},
    el("b", {}, `${one.name} · ${stateOf(one)}`), kill,
    el("dl", {}, ...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])));
}

/** Return what runs under a name; a role is not named twice. */
function stateOf({ name, roles, pid }) {
  if (!pid) return "down";
  const role = roles === "all" ? "all roles" : roles === name ? "" : roles;
  return [role, `pid ${pid}`].filter(Boolean).join(", ");
}

function load(percent, more = "") {
  const bar = el("i");
  bar.style.width = `${Math.min(percent, 100)}%`;
  return el("span", {}, el("span.load", {}, bar), `${percent} %${more}`);
}

function end(name, count) {
  const work = count > 1 ? act("kill", { name }) : act("crash", {});
  complain(count > 1 ? `${name} is killed. Another process takes its requests over when its lease expires.` : "The bot is killed and starts again.");
  work.catch((error) => complain(error.message));
}
