// Render messages: bubbles with text, media, quotes, previews and buttons.

import { above, below } from "./blocks.js";
import { bdi, clock, day, el, face, icon, nameOf, shortUrl } from "./dom.js";
import { file, fit, media, mosaic, shownIn, sound, still } from "./media.js";
import { store } from "./store.js";
import { beginsRightToLeft, endsRightToLeft, rich } from "./text.js";

const KINDS = { video: "🎬 Video", animation: "🔁 Animation", live_photo: "📸 Live photo", photo: "🖼 Photo", audio: "🎵 Sound", document: "📄 File" };
/** Messages of one sender within this time belong together, in seconds. */
const JOINED_S = 600;

/** Return a summary of a message in one line. */
export function summary(message) {
  const words = (message.text ?? message.caption ?? "").replaceAll("\n", " ");
  const kind = Object.keys(KINDS).find((key) => message[key]);
  return [kind && KINDS[kind], words].filter(Boolean).join(" · ") || "…";
}

/** Render one message, or the messages of one album, as a list item. */
export function item(messages, context, hands) {
  const [first] = messages;
  const isMine = first.from?.id === context.me;
  const keys = messages.find((m) => m.reply_markup?.inline_keyboard)?.reply_markup.inline_keyboard;
  const stack = el("div.stack", {}, bubble(messages, { ...context, isMine }, hands));
  if (keys?.length) stack.append(keyboard(keys, first, hands));
  const tiles = messages.filter(shownIn);
  if (tiles.length) fit(stack, tiles);
  const node = el(isMine ? "li.mine" : "li.theirs", {}, el("div.row", {}, context.isGroup && !isMine && faceOf(first.from), stack));
  if (keys?.length) node.classList.add("with-keys");
  node.dataset.from = first.from?.id ?? 0;
  node.dataset.at = first.date;
  return node;
}

/**
 * Show a list item as another is; return the one that is in the list now. Pictures and videos that
 * are the same remain as they are: a video plays on when its buttons change.
 */
export function renew(old, node) {
  const [was, is] = [old, node].map((one) => one.querySelector(".mosaic"));
  const pressed = [...old.querySelectorAll(".keys button")].indexOf(document.activeElement);
  if (was && is && sources(was) === sources(is)) exchange(old, was, node, is);
  else old.replaceWith(node);
  const shown = node.isConnected ? node : old;
  if (pressed >= 0) shown.querySelectorAll(".keys button")[pressed]?.focus({ preventScroll: true });
  return shown;
}

const sources = (mosaic) => [...mosaic.children].map((tile) => tile.dataset.file).join();

/** Give an item everything of another but its mosaic. */
function exchange(old, was, node, is) {
  const [box, other] = [was.parentElement, is.parentElement];
  for (const name of ["className", "ondblclick", "oncontextmenu", "onkeydown"]) box[name] = other[name];
  box.style.cssText = other.style.cssText;
  for (const part of [...box.childNodes]) if (part !== was) part.remove();
  for (const part of [...other.childNodes]) if (part !== is) (is.compareDocumentPosition(part) & Node.DOCUMENT_POSITION_PRECEDING ? was.before(part) : box.append(part));
  old.querySelector(".keys")?.remove();
  const keys = node.querySelector(".keys");
  if (keys) box.after(keys);
  old.className = node.className;
}

const faceOf = (user) => user && face({ id: user.id, name: nameOf(user), isBot: user.is_bot });

/** Give a list item its place: a heading for a new day, and who it belongs together with. */
export function settle(node) {
  const previous = above(node);
  const isSameDay = previous && day(Number(previous.dataset.at)) === day(Number(node.dataset.at));
  const isJoined = isSameDay && previous.dataset.from === node.dataset.from && node.dataset.at - previous.dataset.at < JOINED_S;
  node.querySelector(".date")?.remove();
  if (!isSameDay) node.prepend(el("p.date", {}, day(Number(node.dataset.at))));
  node.classList.toggle("joined", !!isJoined);
  node.classList.toggle("below-keys", !!previous?.matches(".with-keys"));
  const sender = node.querySelector(".sender:not(.via)");
  if (sender) sender.hidden = !!isJoined;
  if (!below(node)) mark(node, true);
  if (previous) mark(previous, !isJoined);
}

function mark(node, isLast) {
  node.classList.toggle("tail", isLast);
  node.querySelector(".row > .face")?.classList.toggle("none", !isLast);
}

function bubble(messages, context, hands) {
  const [first] = messages;
  const who = context.isMine ? "You" : first.from ? nameOf(first.from) : first.chat.title;
  const box = el("div.bubble", { tabIndex: -1, role: "group", ariaLabel: `${who}, ${clock(first.date)}` });
  if (context.isGroup && !context.isMine && first.from) box.append(el("div.sender", {}, bdi(nameOf(first.from))));
  if (first.via_bot) box.append(el("div.sender.via", {}, "via ", el("bdi", { dir: "ltr" }, `@${first.via_bot.username}`)));
  if (box.childElementCount) box.classList.add("named");
  if (first.reply_to_message) {
    box.append(quoted(first, hands));
    box.classList.add("replied");
  }
  const tiles = messages.filter(shownIn);
  if (tiles.length) box.append(mosaic(tiles, context.isNew));
  for (const message of messages) box.append(...content(message, box, hands));
  const reaction = messages.find((m) => m.reaction)?.reaction;
  if (reaction) box.append(reactions(reaction));
  if (tiles.length && !box.matches(".captioned") && !reaction) box.classList.add("bare");
  box.append(meta(first, context, box));
  box.ondblclick = () => hands.reply(first);
  box.oncontextmenu = (event) => hands.menu(messages, event);
  box.onkeydown = (event) => event.target === event.currentTarget && event.key === "Enter" && hands.menu(messages, event);
  return box;
}

function* content(message, box, hands) {
  if (message.audio) yield sound(message);
  else if (message.document && !message.animation) yield file(message);
  const words = message.text ?? message.caption;
  if (!words) return;
  const entities = message.text ? message.entities : message.caption_entities;
  yield el("div.words", { dir: "auto" }, rich(words, entities, hands));
  box.classList.add("captioned");
  const preview = message.text && previewOf(message);
  box.classList.toggle("time-left", !preview && endsRightToLeft(words));
  if (preview) yield preview;
}

/** Return the preview of the first link, if Telegram could make one: here it knows the samples. */
function previewOf(message) {
  const link = message.entities?.find(({ type }) => type === "url" || type === "text_link");
  if (!link || message.from?.is_bot) return null;
  const url = link.url ?? message.text.slice(link.offset, link.offset + link.length);
  const sample = store.samples.find((one) => one.picture && !one.is_typed && one.url === url);
  if (!sample) return null;
  return el("div.preview", {}, el("b", {}, shortUrl(url).split("/")[0]), el("b", {}, sample.title), el("span", {}, sample.about),
    el("img", { src: `/page/sample/${encodeURIComponent(sample.picture)}`, alt: "" }));
}

function reactions(emoji) {
  const pill = el("span.reaction", { title: "The bot's reaction" }, emoji, face({ isBot: true }, "small"));
  return el("div.reactions", {}, pill);
}

function meta(message, { isMine, isSeen }, box) {
  const words = `${message.edit_date ? "edited " : ""}${clock(message.date)}`;
  box.style.setProperty("--meta-width", `${words.length * 6.6 + (isMine ? 24 : 4)}px`);
  const node = el("div.meta", {}, words);
  if (isMine) {
    const isRead = isSeen(message);
    node.append(icon(isRead ? "read" : "sent"), el("span.visually-hidden", {}, isRead ? "read" : "sent"));
  }
  return node;
}

/** Render what a message quotes, from the side on which its own words begin. */
function quoted(answer, hands) {
  const message = answer.reply_to_message;
  const picture = still(message);
  const dir = beginsRightToLeft(answer.text ?? answer.caption ?? "") ? "rtl" : "ltr";
  return el("button.reply", { type: "button", dir, onclick: () => hands.show(message) },
    picture && el("img", { src: media(picture), alt: "" }),
    el("span", {}, message.from && el("b", {}, bdi(nameOf(message.from))), bdi(summary(message))));
}

function keyboard(rows, message, hands) {
  return el("div.keys", {}, ...rows.map((row) => el("div", {}, ...row.map((key) => {
    const button = el("button", { type: "button", dir: "auto", title: key.url ?? "", onclick: () => press(key, message, hands) }, key.text);
    if (key.url) button.dataset.mark = "↗\ufe0e";
    return button;
  }))));
}

function press(key, message, hands) {
  if (key.callback_data) hands.press(message, key.callback_data);
  else if (key.copy_text) hands.copy(key.copy_text.text);
  else if (key.url || key.web_app) hands.address(key.url ?? key.web_app.url);
  else {
    const query = key.switch_inline_query_chosen_chat?.query ?? key.switch_inline_query ?? key.switch_inline_query_current_chat ?? "";
    hands.type(`@${store.bot.username} ${query}`);
  }
}
