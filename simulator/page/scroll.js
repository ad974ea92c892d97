// The list of messages follows new ones while its end is visible; else a button leads back there.

import { list } from "./blocks.js";
import { $, counted, icon } from "./dom.js";

const view = $("#messages");
const button = $("#to-end");
/** Distance to the end, in pixels, that counts as the end. */
const AT_END_PX = 120;

/** True while the end of the list is visible, or on its way there. */
let follows = true;
let top = 0;
let missed = 0;

export const isFollowing = () => follows;
const distance = () => view.scrollHeight - view.scrollTop - view.clientHeight;

/** Jump to the end of a chat that has just been opened. */
export function follow() {
  follows = true;
  view.scrollTop = view.scrollHeight;
  render();
}

/** Move to a new message at the end, if the list follows, or if `isOwn`; else count it. */
export function toEnd(isOwn) {
  if (isOwn && distance() < view.clientHeight) follows = true;
  if (follows) slide();
  else missed += 1;
  render();
}

/** Set up the list, and the button that leads to its end; `reached` is called at the end. */
export function watchScroll(reached) {
  button.append(icon("down"));
  // The list grows with a new message, and again when its pictures have loaded; a composer of many
  // lines takes room from it.
  const sizes = new ResizeObserver(() => follows && slide());
  for (const box of [list, view]) sizes.observe(box);
  view.onscroll = () => {
    // On the way to the end the position only grows; whoever scrolls up makes it smaller.
    follows = distance() < AT_END_PX || (follows && view.scrollTop >= top);
    top = view.scrollTop;
    render();
    if (follows) reached();
  };
  button.onclick = () => {
    follows = true;
    slide();
    view.focus({ preventScroll: true });
  };
}

function slide() {
  const isNear = distance() < 3 * view.clientHeight && !matchMedia("(prefers-reduced-motion: reduce)").matches;
  view.scrollTo({ top: view.scrollHeight, behavior: isNear ? "smooth" : "instant" });
}

function render() {
  if (follows) missed = 0;
  button.hidden = follows;
  const count = button.querySelector(".unread");
  count.hidden = !missed;
  count.textContent = missed;
  button.setAttribute("aria-label", missed ? `To ${counted(missed, "new message")}` : "To the newest message");
}
