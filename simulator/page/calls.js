// The bot's calls of the Bot API: a table, a filter, and each call's request and answer.

import { $, el, size } from "./dom.js";
import { on, store } from "./store.js";

const SHOWN = 100;
const body = $("#calls tbody");
const filter = $("#method");

/** Set up the table; `notice` shows a text. */
export function calls(notice) {
  const show = () => body.replaceChildren(...fitting().slice(-SHOWN).reverse().map((call) => row(call, notice)));
  filter.onchange = show;
  on("state", () => {
    options();
    show();
  });
  on("call", ({ call }) => {
    if (![...filter.options].some(({ value }) => value === call.method)) options();
    if (filter.value && filter.value !== call.method) return;
    body.prepend(row(call, notice));
    while (body.querySelectorAll("tr.call").length > SHOWN) body.lastElementChild.remove();
  });
}

const fitting = () => store.calls.filter(({ method }) => !filter.value || filter.value === method);

function options() {
  const chosen = filter.value;
  const methods = [...new Set(store.calls.map(({ method }) => method))].sort();
  filter.replaceChildren(el("option", { value: "" }, "all methods"), ...methods.map((method) => el("option", { value: method }, method)));
  filter.value = chosen;
}

function row(call, notice) {
  const isGood = call.status === 200;
  const outcome = isGood ? "ok" : call.error || "connection dropped";
  const button = el("button.method", { type: "button", ariaExpanded: "false" }, call.method);
  const node = el("tr.call", {}, el("td", {}, button), el("td.number", {}, String(call.ms)),
    el("td.number", {}, call.bytes ? size(call.bytes) : ""), el(isGood ? "td.outcome" : "td.outcome.bad", { title: outcome }, outcome));
  button.onclick = () => toggle(call, node, button).catch((error) => notice(error.message));
  return node;
}

/** Show or hide a call's request and answer below its row. */
async function toggle(call, node, button) {
  const isOpen = button.ariaExpanded === "true";
  button.ariaExpanded = String(!isOpen);
  if (isOpen) return node.nextElementSibling.remove();
  const answer = await fetch(`/page/call/${call.number}`);
  if (!answer.ok) throw new Error("The call is too old: only the last 200 are kept.");
  const { params, files, answer: response } = await answer.json();
  const request = { ...params, ...Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, `(a file of ${size(bytes)})`])) };
  node.after(el("tr", {}, el("td", { colSpan: 4 }, el("h4", {}, "Request"), json(request), el("h4", {}, "Answer"),
    response ? json(response) : el("pre", {}, "none: the connection was dropped"))));
}

const json = (value) => el("pre", { tabIndex: 0 }, JSON.stringify(value, null, 2));
