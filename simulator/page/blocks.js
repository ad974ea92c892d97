// The list of messages, in blocks. The browser renders a block only while it is near what is seen.
// It computes that for every block at each frame: blocks of one message would slow a long chat down.

import { $, el } from "./dom.js";

/** Items in a block: few enough to be rendered between two frames. */
const SIZE = 20;

export const list = $("#messages > .blocks");

/** Show these items and no others. */
export function fill(items) {
  list.replaceChildren();
  items.forEach(add);
}

/** Add an item at the end. */
export function add(item) {
  const last = list.lastElementChild;
  if (last && last.childElementCount < SIZE) last.append(item);
  else list.append(el("ol", {}, item));
}

/** Remove an item, if it is in the list, and a block without items. */
export function remove(item) {
  const block = item.parentElement;
  item.remove();
  if (block?.childElementCount === 0) block.remove();
}

export const above = (item) => item.previousElementSibling ?? item.parentElement.previousElementSibling?.lastElementChild;
export const below = (item) => item.nextElementSibling ?? item.parentElement.nextElementSibling?.firstElementChild;
