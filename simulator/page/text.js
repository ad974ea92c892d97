// Text with entities, as Telegram's apps show it.

import { el } from "./dom.js";

const PLAIN = { bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code", pre: "pre",
  blockquote: "blockquote", expandable_blockquote: "blockquote" };
/** Begins with a letter of a script that is written from right to left, or with the mark that stands for one. */
const RIGHT_TO_LEFT = /^[^\p{L}\u200e]*[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufeff]/u;

/** Return whether a text, or its last line, is written from right to left. */
export const beginsRightToLeft = (text) => RIGHT_TO_LEFT.test(text);
export const endsRightToLeft = (text) => RIGHT_TO_LEFT.test(text.slice(text.lastIndexOf("\n") + 1));

/** What Telegram's servers and apps make a link of without being told. */
const FOUND = { bot_command: /(?<![\w/<@])\/[a-z]\w{0,31}(?:@\w+)?/gi, mention: /(?<![\w@/])@[a-z]\w{3,31}/gi };
const CLOSED = new Set(["code", "pre", "url", "text_link", "mention", "bot_command", "email"]);

/** Return the entities of a text with those that are found in its plain parts. */
function complete(text, entities = []) {
  const closed = entities.filter(({ type }) => CLOSED.has(type));
  const found = Object.entries(FOUND).flatMap(([type, pattern]) =>
    [...text.matchAll(pattern)].map(({ index, 0: words }) => ({ type, offset: index, length: words.length })));
  const isFree = (one) => !closed.some(({ offset, length }) => one.offset < offset + length && offset < one.offset + one.length);
  return [...entities, ...found.filter(isFree)];
}

/** Render text with entities. Offsets are UTF-16 units, as in JavaScript. */
export function rich(text, entities, hands) {
  const sorted = complete(text, entities).sort((a, b) => a.offset - b.offset || b.length - a.length);
  let next = 0;
  const walk = (start, end) => {
    const out = document.createDocumentFragment();
    let at = start;
    while (next < sorted.length && sorted[next].offset < end) {
      const entity = sorted[next++];
      const stop = entity.offset + entity.length;
      out.append(text.slice(at, entity.offset));
      const node = wrapped(entity, text.slice(entity.offset, stop), hands);
      node.append(walk(entity.offset, stop));
      out.append(node);
      at = stop;
    }
    out.append(text.slice(at, end));
    return out;
  };
  return walk(0, text.length);
}

function wrapped(entity, words, hands) {
  if (PLAIN[entity.type]) return el(PLAIN[entity.type], entity.type === "code" ? { dir: "auto" } : {});
  // In a line from right to left, "@name" and "/command" would be shown as "name@" and "command/".
  const link = (title, onclick, dir = "ltr") => el("a", {
    title, dir, tabIndex: 0, role: "link", onclick, onkeydown: (event) => event.key === "Enter" && onclick(),
  });
  switch (entity.type) {
    case "text_link": return link(entity.url, () => hands.address(entity.url), "auto");
    case "url": return link(words, () => hands.address(words));
    case "bot_command": return link("Send", () => hands.say(words));
    case "mention": case "email": case "phone_number": return el("bdi", { dir: "ltr" });
    case "spoiler": return spoiler();
    default: return el("bdi");
  }
}

function spoiler() {
  const node = el("span.spoiler", { role: "button", tabIndex: 0, ariaLabel: "Show the hidden text" });
  const open = () => {
    node.classList.add("open");
    for (const name of ["role", "tabindex", "aria-label"]) node.removeAttribute(name);
  };
  node.onclick = open;
  node.onkeydown = ({ key }) => key === "Enter" && open();
  return node;
}
