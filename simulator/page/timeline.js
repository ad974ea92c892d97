// One request's way, drawn while it happens, and its rows in the database.

import { $, el, shortUrl, clock } from "./dom.js";
import { on, store } from "./store.js";

const STEPS = {
  found: "the bot gets the message", stored: "the request is in the database", fetched: "the site has sent everything",
  shaped: "the file is ready for Telegram", sent: "Telegram has the answer",
};
const NAMES = Object.keys(STEPS);
/** Pause between two drawings of a running step, in milliseconds. */
const DRAW_MS = 100;
const EARLIER = 6;

let chosen = 0;
let newest = 0;
let began = { number: 0, at: 0 };

/** Set up the drawing of the newest request of the open chat, `chat()`. */
export function timeline(chat) {
  const draw = () => $("#request").hidden || render(chat());
  on("timeline", ({ line }) => {
    if (line.number > newest) [newest, chosen] = [line.number, 0];
    draw();
  });
  on("state", () => {
    [newest, chosen] = [Math.max(0, ...store.timelines.keys()), 0];
    draw();
  });
  $("#tab-request").addEventListener("click", draw);
  setInterval(() => current(chat())?.ended === null && draw(), DRAW_MS);
}

const lines = () => [...store.timelines.values()].reverse();
const current = (chat) => store.timelines.get(chosen) ?? lines().find((line) => line.chat === chat) ?? lines()[0];

/** Return which request is drawn while a chat is open: its chat, and the message that it answers, 0 if none is known. */
export function drawn(chat) {
  const line = current(chat);
  return line ? [line.chat, line.message] : [chat, 0];
}

function render(chat) {
  const line = current(chat);
  if (!line) return;
  if (began.number !== line.number) began = { number: line.number, at: performance.now() - (line.ended ?? line.steps.at(-1).began) };
  const now = line.ended ?? Math.max(performance.now() - began.at, line.steps.at(-1).began);
  const total = Math.max(now, line.steps.at(-1).ended ?? 0, 1);
  $("#which").textContent = line.number === chosen ? "The chosen request" : "The newest request";
  $("#timeline").replaceChildren(el("p.note", {}, el("bdi", {}, titleOf(line)), ` · ${clock(line.at)} · ${state(line)}`),
    el("div.timeline", {}, ...NAMES.map((name) => step(name, line, now, total))));
  const focused = document.activeElement?.dataset.number;
  const others = lines().filter((one) => one !== line).slice(0, EARLIER);
  $("#earlier").hidden = !others.length;
  $("#earlier ul").replaceChildren(...others.map((one) => el("li", {}, opener(one, chat),
    el("span", {}, `${state(one)} ${one.ended === null ? "" : milliseconds(one.ended)}`))));
  if (focused) document.querySelector(`#earlier [data-number="${focused}"]`)?.focus(); // it is drawn ten times a second
}

function opener(one, chat) {
  const button = el("button", { type: "button", onclick: () => {
    chosen = one.number;
    render(chat);
  } }, titleOf(one));
  button.dataset.number = one.number;
  return button;
}

const titleOf = ({ link, button }) => button ? `${button} · ${shortUrl(link)}` : shortUrl(link);
const state = (line) => line.outcome || "running";
const milliseconds = (number) => number < 1000 ? `${Math.round(number)} ms` : `${(number / 1000).toFixed(1)} s`;

function step(name, line, now, total) {
  const one = line.steps.find((step) => step.name === name);
  const isLive = one && one.ended === null && line.ended === null;
  const isOver = one && one.ended !== null;
  const until = isOver ? one.ended : isLive ? now : null;
  const bar = el("i");
  if (until !== null && one) {
    bar.style.left = `${Math.min((one.began / total) * 100, 98)}%`;
    bar.style.width = `${((until - one.began) / total) * 100}%`;
  } else bar.hidden = true;
  const took = until === null || !one ? "" : milliseconds(until - one.began);
  return el(isLive ? "div.step.live" : isOver ? "div.step" : "div.step.later", {}, el("b", {}, name), el("span.track", {}, bar),
    el("span.number", {}, took), el("small", {}, one?.note || STEPS[name]));
}

/** Show the rows of the request that is drawn, by table. */
export function showRows(tables) {
  const boxes = Object.entries(tables).flatMap(([name, rows]) => [
    el("p.note", {}, name),
    ...rows.map((row) => el("table.row-facts", {}, el("tbody", {}, ...Object.entries(row).map(([key, value]) =>
      el("tr", {}, el("th", { scope: "row" }, key), el("td", {}, value === null ? "–" : String(value))))))),
  ]);
  $("#rows").replaceChildren(...(boxes.length ? boxes : [el("p.note", {}, "None.")]));
}
