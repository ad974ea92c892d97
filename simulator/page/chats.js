// The list of chats: those of the chosen person, and the other people, folded.

import { $, bdi, el, face, nameOf, when } from "./dom.js";
import { summary } from "./messages.js";
import { isAdmin } from "./roles.js";
import { messagesOf, store } from "./store.js";

/** Id of the newest message that was seen in each chat. */
const seen = new Map();

const last = (chat) => [...messagesOf(chat).values()].at(-1);
const news = (chat) => [...messagesOf(chat).values()].filter((m) => m.message_id > (seen.get(chat) ?? 0) && m.from?.is_bot).length;

/** Take note that the messages of a chat, or of all chats, have been seen. */
export function see(chats) {
  for (const chat of chats) seen.set(chat, last(chat)?.message_id ?? 0);
}

/** Render the lists; `open(chat)` opens one. */
export function chats(me, current, open) {
  const all = [...store.chats.values()];
  const own = all.filter((chat) => chat.id === me || !["private", "channel"].includes(chat.type));
  const others = all.filter((chat) => !own.includes(chat));
  const newest = (chat) => last(chat.id)?.date ?? 0;
  own.sort((a, b) => newest(b) - newest(a) || (b.id === me) - (a.id === me));
  others.sort((a, b) => newest(b) - newest(a));
  const show = (chat) => row(chat, chat.id === me, chat.id === current, open);
  $("#chat-list").replaceChildren(...own.map(show));
  $("#people ul").replaceChildren(...others.map(show));
  const unread = others.reduce((sum, { id }) => sum + news(id), 0);
  $("#people summary .unread").hidden = !unread;
  $("#people summary .unread").textContent = unread;
}

function row(chat, isMine, isCurrent, open) {
  const message = last(chat.id);
  const unread = isCurrent ? 0 : news(chat.id);
  const picture = isMine ? face({ id: store.bot.id, isBot: true }) : face({ id: chat.id, name: chat.title || "?" });
  const button = el("button", { type: "button", onclick: () => open(chat.id) }, picture,
    el("span.name", {}, bdi(isMine ? store.bot.first_name : chat.title), isAdmin(chat.id) && el("span.role", {}, "admin")),
    el("span.when", {}, message ? when(message.date) : ""),
    el("span.last", {}, bdi(message ? line(chat, message, isMine) : about(chat, isMine))),
    unread ? el("span.unread", { ariaLabel: `${unread} new messages`, role: "img" }, String(unread)) : null);
  button.setAttribute("aria-current", isCurrent);
  return el("li", {}, button);
}

function line(chat, message, isMine) {
  const isByBot = message.from?.is_bot;
  const sender = chat.type === "private" ? (isByBot ? "" : isMine ? "You: " : "") : message.from ? `${nameOf(message.from)}: ` : "";
  return sender + summary(message);
}

function about(chat, isMine) {
  if (isMine) return "bot";
  const person = store.people.get(chat.id);
  return person ? `has not written yet · ${person.language_code}` : chat.type === "channel" ? "the bot's own channel" : "group, with the bot";
}
