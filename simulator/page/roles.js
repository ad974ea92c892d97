// Who may do what: administrators of the bot, and of groups.

import { el, face, nameOf } from "./dom.js";
import { store } from "./store.js";

const OWNERS = { creator: "owner", administrator: "administrator" };
const MAY = {
  bot: "Administrator of the bot: opens /admin and /stats, sends broadcasts, bans people, sets who may use the bot, exports data.",
  anybody: "Sends links, and chooses language, captions and files for their own chat with /settings.",
  group: "Changes the group's settings with /settings, /lang and /mode, and sends links.",
  member: "Sends links in the group. Its settings are for its administrators.",
};

export const isAdmin = (person) => store.admins.includes(person);

/** Return a person's role in a group, in a word; empty for members. */
export const roleIn = (chat, person) => OWNERS[chat.members?.[person]] ?? "";

/** Fill a dialog with what a chat is, who is in it, and what each may do. */
export function describe(chat, me, body) {
  const isPrivate = chat.type === "private";
  const bot = { id: store.bot.id, name: store.bot.first_name, isBot: true };
  const title = isPrivate ? store.bot.first_name : chat.title;
  const people = isPrivate ? [store.people.get(me)] : [...store.people.values()];
  body.replaceChildren(face(isPrivate ? bot : { id: chat.id, name: chat.title }, "large"), el("h2", { id: "info-title" }, title),
    el("p", {}, isPrivate ? `@${store.bot.username} · bot` : `${chat.type === "channel" ? "channel" : "group"} · id ${chat.id}`),
    el("ul", {}, ...people.map((person) => row(person, chat, isPrivate))));
}

function row(person, chat, isPrivate) {
  const role = isPrivate ? "" : roleIn(chat, person.id);
  const may = isPrivate ? MAY.anybody : role ? MAY.group : MAY.member;
  return el("li", {}, face({ id: person.id, name: nameOf(person) }, "small"),
    el("b", {}, el("bdi", {}, nameOf(person)), ` · ${person.language_code} · id ${person.id}`), el("span.role", {}, role),
    el("small", {}, isAdmin(person.id) ? `${MAY.bot} ` : "", may));
}

/** Show who the bot's administrators are, with what that allows, in a list. */
export function administrators(list) {
  const admins = [...store.people.values()].filter(({ id }) => isAdmin(id));
  const owners = [...store.chats.values()].flatMap((chat) => [...store.people.values()]
    .filter(({ id }) => roleIn(chat, id)).map((person) => [chat, person]));
  list.replaceChildren(
    ...admins.map((person) => el("li", {}, el("b", {}, el("bdi", {}, nameOf(person))), el("small", {}, MAY.bot))),
    ...owners.map(([chat, person]) => el("li", {}, el("b", {}, el("bdi", {}, nameOf(person))), ` · ${roleIn(chat, person.id)} of `,
      el("bdi", {}, chat.title), el("small", {}, MAY.group))),
    el("li", {}, el("b", {}, "Everybody"), el("small", {}, MAY.anybody)));
}
