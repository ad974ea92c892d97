// The menu of a message, at the pointer or, with the keyboard, at the message.

import { $, el } from "./dom.js";

const menu = $("#message-menu");
/** Smallest distance to the window's edges, in pixels. */
const MARGIN = 8;

let opener = null;
/** True if words were selected when the pointer went down; on macOS, a right click selects a word by itself. */
let hadSelection = false;

/** Open the menu for an event; each entry is a title and what it does. The browser's own menu copies selected words, and opens where there is no entry. */
export function menuOf(event, entries) {
  if (!entries.length || (event.type === "contextmenu" && hadSelection)) return;
  event.preventDefault();
  opener = event.currentTarget;
  menu.replaceChildren(...entries.map(([title, action]) => el("li", { role: "none" }, el("button", {
    type: "button", role: "menuitem", onclick: () => {
      close();
      action();
    },
  }, title))));
  if (!isOpen()) menu.showPopover();
  place(event, opener.getBoundingClientRect());
  menu.querySelector("button").focus();
}

const isOpen = () => menu.matches(":popover-open");

function place({ clientX, clientY }, box) {
  const [x, y] = clientX || clientY ? [clientX, clientY] : [box.left + MARGIN, box.top + MARGIN];
  const fit = (at, size, room) => `${Math.max(MARGIN, Math.min(at, room - size - MARGIN))}px`;
  menu.style.left = fit(x, menu.offsetWidth, innerWidth);
  menu.style.top = fit(y, menu.offsetHeight, innerHeight);
}

function close() {
  if (!isOpen()) return;
  menu.hidePopover();
  opener.focus({ preventScroll: true });
}

menu.onkeydown = (event) => {
  if (event.key === "Escape" || event.key === "Tab") return close();
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const all = [...menu.querySelectorAll("button")];
  all.at((all.indexOf(document.activeElement) + step) % all.length).focus();
};
document.addEventListener("pointerdown", ({ target }) => {
  hadSelection = !getSelection().isCollapsed;
  if (!menu.contains(target)) close();
}, true);
