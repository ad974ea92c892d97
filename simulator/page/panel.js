// The side panel: sample links, the bot's calls, and switches that inject faults.

import { el } from "./messages.js";
import { act, on, store } from "./store.js";

const $ = (selector) => document.querySelector(selector);
const SHOWN = 100;

/** Set up the panel; `send` sends a sample to the open chat, `notice` shows a text. */
export function panel(send, notice) {
  const aside = $("#aside");
  const toggle = (isOpen) => {
    aside.classList.toggle("open", isOpen);
    $("#toggle-aside").setAttribute("aria-expanded", isOpen);
  };
  $("#toggle-aside").onclick = () => toggle(!aside.classList.contains("open"));
  $("#close-aside").onclick = () => toggle(false);
  aside.onkeydown = (event) => event.key === "Escape" && toggle(false);
  for (const tab of document.querySelectorAll("[role=tab]")) tab.onclick = () => choose(tab);
  for (const button of document.querySelectorAll("[data-fault]")) {
    button.onclick = async () => {
      await act("fault", { method: "*", kind: button.dataset.fault });
      notice(`The bot's next call gets: ${button.textContent.toLowerCase()}.`);
    };
  }
  $("#crash").onclick = () => act("crash", {});
  $("#latency").oninput = ({ target }) => act("latency", { seconds: Number(target.value) });
  on("state", () => {
    samples((sample) => {
      toggle(false);
      send(sample);
    });
    $("#calls tbody").replaceChildren(...store.calls.slice(-SHOWN).reverse().map(row));
    running();
    latency();
  });
  on("call", ({ call }) => {
    const body = $("#calls tbody");
    body.prepend(row(call));
    if (body.childElementCount > SHOWN) body.lastElementChild.remove();
  });
  on("running", running);
  on("latency", latency);
}

function choose(chosen) {
  for (const tab of document.querySelectorAll("[role=tab]")) {
    tab.setAttribute("aria-selected", tab === chosen);
    document.getElementById(tab.getAttribute("aria-controls")).hidden = tab !== chosen;
  }
}

function samples(send) {
  $("#samples ul").replaceChildren(...store.samples.map((sample) =>
    el("li", {}, el("button", { type: "button", onclick: () => send(sample) }, sample.title,
      el("small", {}, sample.url.split("\n")[0])))));
}

function row(call) {
  const isGood = call.status === 200;
  const outcome = isGood ? "ok" : call.error || "connection dropped";
  return el("tr", {}, el("td", {}, call.method), el("td", {}, String(call.ms)),
    el("td", {}, call.bytes ? String(Math.round(call.bytes / 1000)) : ""),
    el(isGood ? "td" : "td.bad", {}, outcome));
}

function running() {
  $("#bot-state").textContent = store.running ? "The bot is running." : "The bot is down.";
  $("#crash").disabled = !store.running;
}

function latency() {
  $("#latency").value = store.latency;
  $("#latency + output").textContent = `${store.latency} s`;
}
