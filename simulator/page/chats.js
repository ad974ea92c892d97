// The list of chats: those of the chosen person, and the other people, folded.

import { draftOf } from "./composer.js";
import { $, bdi, counted, el, face, nameOf, when } from "./dom.js";
import { summary } from "./messages.js";
import { isAdmin } from "./roles.js";
import { act, messagesOf, store } from "./store.js";

const last = (chat) => [...messagesOf(chat).values()].at(-1);
/** Return who reads a chat: the person whose it is; a group is read by whoever the page is. */
const readerOf = (chat, me) => (chat.type === "private" ? chat.id : me);
const seenBy = (person, chat) => store.seen.get(`${person}/${chat}`) ?? 0;

/** Return how many messages of others a chat has that its reader has not seen. */
function news(chat, me) {
  const reader = readerOf(chat, me);
  const seen = seenBy(reader, chat.id);
  return [...messagesOf(chat.id).values()].filter((m) => m.message_id > seen && m.from?.id !== reader).length;
}

/** Tell the simulator that the messages of a chat have been seen, as Telegram's apps do. */
export function see(chat, me) {
  const reader = readerOf(chat, me);
  const newest = last(chat.id)?.message_id ?? 0;
  if (newest <= seenBy(reader, chat.id)) return;
  store.seen.set(`${reader}/${chat.id}`, newest);
  act("see", { person: reader, chat: chat.id, message: newest }).catch(() => {}); // seen again after a reconnection
}

/** Render the lists; `open(chat)` opens one. */
export function chats(me, current, open) {
  const all = [...store.chats.values()];
  const own = all.filter((chat) => chat.id === me || !["private", "channel"].includes(chat.type));
  const others = all.filter((chat) => !own.includes(chat));
  const newest = (chat) => last(chat.id)?.date ?? 0;
  own.sort((a, b) => newest(b) - newest(a) || (b.id === me) - (a.id === me));
  others.sort((a, b) => newest(b) - newest(a));
  const show = (chat) => row(chat, me, chat.id === current, open);
  const focused = document.activeElement?.dataset.chat;
  $("#chat-list").replaceChildren(...own.map(show));
  $("#people ul").replaceChildren(...others.map(show));
  if (focused) document.querySelector(`nav [data-chat="${focused}"]`)?.focus({ preventScroll: true });
  const unread = others.reduce((sum, chat) => sum + news(chat, me), 0);
  $("#people summary .unread").hidden = !unread;
  $("#people summary .unread").textContent = unread;
}

/** Move through the chats with the arrow keys. */
export function watchKeys() {
  $("#chats").onkeydown = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...document.querySelectorAll("#chats :is(button, summary)")].filter((one) => one.checkVisibility());
    all[all.indexOf(document.activeElement) + step]?.focus();
  };
}

function row(chat, me, isCurrent, open) {
  const isMine = chat.id === me;
  const message = last(chat.id);
  const unread = news(chat, me);
  const isOpen = isCurrent && document.body.classList.contains("in-chat");
  const draft = isOpen ? "" : draftOf(readerOf(chat, me), chat.id);
  const picture = isMine ? face({ id: store.bot.id, isBot: true }) : face({ id: chat.id, name: chat.title || "?" });
  const button = el("button", { type: "button", onclick: () => open(chat.id) }, picture,
    el("span.name", {}, bdi(isMine ? store.bot.first_name : chat.title), isAdmin(chat.id) && el("span.role", {}, "admin")),
    el("span.when", {}, message ? when(message.date) : ""),
    el("span.last", {}, draft && el("span.draft", {}, "Draft:\u00a0"), ...(draft ? [bdi(draft)] : [message ? line(chat, message, isMine) : bdi(about(chat, isMine))])),
    unread ? el("span.unread", { ariaLabel: counted(unread, "new message"), role: "img" }, String(unread)) : null);
  button.setAttribute("aria-current", isCurrent);
  button.dataset.chat = chat.id;
  return el("li", {}, button);
}

/** Return a message in one line; neither the sender's name nor the words turn the rest around. */
function line(chat, message, isMine) {
  const sender = chat.type !== "private" ? message.from && nameOf(message.from) : isMine && !message.from?.is_bot && "You";
  return sender ? el("bdi", { dir: "ltr" }, bdi(sender), ": ", bdi(summary(message))) : bdi(summary(message));
}

function about(chat, isMine) {
  if (isMine) return "bot";
  const person = store.people.get(chat.id);
  return person ? `has not written yet · ${person.language_code}` : chat.type === "channel" ? "the bot's own channel" : "group, with the bot";
}
