// The page: the open chat and all user actions in it.

import { compose, reply, say, sendSample, type } from "./composer.js";
import { el, item, nameOf, summary } from "./messages.js";
import { panel } from "./panel.js";
import { act, connect, learn, messagesOf, on, store } from "./store.js";

const $ = (selector) => document.querySelector(selector);
const view = $("#messages");
const list = $("#messages ol");
const ACTIONS = { typing: "writes …", upload_video: "sends a video …", upload_photo: "sends a photo …", upload_document: "sends a file …" };
const ACTION_MS = 5_000;
/** Distance to the end of the list, in pixels, within which it scrolls to new messages. */
const AT_END_PX = 120;

let me = 0;
let chatId = 0;
let quietAt = 0;
/** True while the end of the list is visible, so that it scrolls to new messages. */
let follows = true;
/** Elements of the list by the key of their message or album. */
const shown = new Map();

const chat = () => store.chats.get(chatId);
const isGroup = () => chat()?.type !== "private";
const canWrite = () => !!chat() && chat().type !== "channel";

// --- open chat -------------------------------------------------------------------------------

function open(id, as = me) {
  chatId = id;
  me = store.chats.get(id)?.type === "private" ? id : store.people.has(as) ? as : [...store.people.keys()][0];
  location.replace(`#${chatId}/${me}`);
  document.body.classList.add("in-chat");
  reply(null);
  renderAll();
}

/** Open the chat in the URL's fragment, or the first user's private chat. */
function restore() {
  const [id, as] = location.hash.slice(1).split("/").map(Number);
  if (store.chats.has(id)) open(id, as);
  else if (store.people.size) {
    open([...store.people.keys()][0]);
    document.body.classList.remove("in-chat");
  }
}

// --- the list of chats -----------------------------------------------------------------------

function renderChats() {
  const kinds = ["private", "group", "supergroup", "channel"];
  const sorted = [...store.chats.values()].sort((a, b) => kinds.indexOf(a.type) - kinds.indexOf(b.type));
  const rows = sorted.map((one) => {
    const last = [...messagesOf(one.id).values()].at(-1);
    const kind = { private: "with the bot", channel: "channel" }[one.type] ?? "group";
    const face = el("span.face", { ariaHidden: "true" }, [...(one.title || "?")][0]);
    face.style.background = `hsl(${Math.abs(one.id * 47) % 360} 45% 45%)`;
    const button = el("button", { type: "button", onclick: () => open(one.id) }, face,
      el("span.name", {}, el("bdi", {}, one.title)), el("span.kind", {}, kind),
      el("span.last", {}, el("bdi", {}, last ? summary(last) : "nothing yet")));
    button.setAttribute("aria-current", one.id === chatId);
    return el("li", {}, button);
  });
  $("#chat-list").replaceChildren(...rows);
}

// --- the open chat ---------------------------------------------------------------------------

function renderAll() {
  renderChats();
  renderHead();
  renderKeys();
  shown.clear();
  const groups = new Map();
  for (const message of messagesOf(chatId).values()) {
    const key = keyOf(message);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(message);
  }
  const nodes = [...groups].map(([key, messages]) => {
    const node = item(messages, context(false), hands);
    shown.set(key, node);
    return node;
  });
  list.replaceChildren(...nodes);
  follows = true;
  toEnd();
}

function renderHead() {
  const one = chat();
  if (!one) return;
  $("#title h2").textContent = one.title;
  const isPrivate = one.type === "private";
  const busy = performance.now() < quietAt;
  const state = one.closed ? "The bot is blocked." : isPrivate ? "with the bot" : one.type === "channel" ? "channel" : "group";
  $("#title p").textContent = busy ? $("#title p").textContent : state;
  $("#title p").classList.toggle("busy", busy);
  $("#block").hidden = $("#invite").hidden = !isPrivate;
  $("#block").textContent = one.closed ? "Unblock" : "Block";
  $("#composer").hidden = !canWrite();
  $("#send-as").hidden = isPrivate;
  $("#send-as select").replaceChildren(...[...store.people.values()].map((person) =>
    el("option", { value: person.id, selected: person.id === me }, nameOf(person))));
}

/** Show the newest reply keyboard of the bot, if there is one. */
function renderKeys() {
  const newest = [...messagesOf(chatId).values()].findLast(({ reply_markup: markup }) => markup?.keyboard || markup?.remove_keyboard);
  const rows = newest?.reply_markup.keyboard ?? [];
  $("#reply-keys").hidden = !rows.length;
  $("#reply-keys").replaceChildren(...rows.map((row) => el("div", {}, ...row.map((key) => {
    const words = key.text ?? key;
    return el("button", { type: "button", dir: "auto", onclick: () => hands.say(words) }, words);
  }))));
}

const keyOf = (message) => message.media_group_id ? `g${message.media_group_id}` : `m${message.message_id}`;
const context = (isNew) => ({ me, isGroup: isGroup(), isNew });

/** Render a message or its album again, in its place or at the end of the list. */
function renderOne(message, isNew) {
  const key = keyOf(message);
  const album = message.media_group_id
    ? [...messagesOf(chatId).values()].filter((one) => one.media_group_id === message.media_group_id) : [message];
  const old = shown.get(key);
  if (!album.length || !messagesOf(chatId).has(album[0].message_id)) {
    old?.remove();
    shown.delete(key);
    return;
  }
  const node = item(album, context(isNew), hands);
  shown.set(key, node);
  if (old) old.replaceWith(node);
  else list.append(node);
}

function toEnd() {
  if (follows) view.scrollTop = view.scrollHeight;
}

// --- user actions ----------------------------------------------------------------------------

const hands = {
  say: (words) => guarded(say(words)),
  press: (message, data) => guarded(act("press", { person: me, chat: chatId, message: message.message_id, data })),
  address: (url) => notice(url),
  copy: async (words) => {
    await navigator.clipboard?.writeText(words).catch(() => {});
    notice(`Copied: ${words}`);
  },
  type,
  reply,
  show: ({ message_id: id }) => {
    const original = messagesOf(chatId).get(id);
    const node = original && shown.get(keyOf(original));
    if (!node) return notice("The message is gone.");
    node.scrollIntoView({ block: "center" });
    const bubble = node.querySelector(".bubble");
    bubble.classList.add("flash");
    setTimeout(() => bubble.classList.remove("flash"), 1500);
  },
};

function guarded(work) {
  return work.catch((error) => notice(error.message));
}

function notice(words) {
  const toast = el("p", { dir: "auto" }, words);
  $("#toasts").append(toast);
  setTimeout(() => toast.remove(), 4_000);
}

/** Open a dialog; return the values by field name, or null if it was cancelled. */
function ask(question, fields = {}) {
  const dialog = $("#ask");
  dialog.querySelector("p").textContent = question;
  dialog.querySelector("[value='']").hidden = !Object.keys(fields).length;
  dialog.querySelector("div").replaceChildren(...Object.entries(fields).map(([name, [label, input]]) =>
    el("label", {}, label, Object.assign(input, { name, required: true }))));
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue ? Object.fromEntries(new FormData(dialog.querySelector("form"))) : null);
    dialog.returnValue = "";
  });
}

function setUp() {
  // The list grows with a new message, and again when its pictures have loaded.
  new ResizeObserver(toEnd).observe(list);
  view.onscroll = () => { follows = view.scrollHeight - view.scrollTop - view.clientHeight < AT_END_PX; };
  compose(() => ({ me, chat: chatId, canWrite: canWrite(), isGroup: isGroup() }), notice);
  panel((sample) => canWrite() && guarded(sendSample(sample)), notice);
  $("#back").onclick = () => document.body.classList.remove("in-chat");
  $("#send-as select").onchange = ({ target }) => open(chatId, Number(target.value));
  $("#block").onclick = () => guarded(act("block", { person: chatId }));
  $("#invite").onclick = async () => {
    const found = await ask(`t.me/${store.bot.username}?start=…`, { payload: ["Payload", el("input", { maxLength: 64, pattern: "[A-Za-z0-9_\\-]+", value: "spring" })] });
    if (found) hands.say(`/start ${found.payload}`);
  };
  $("#new-person").onclick = async () => {
    const languages = ["en", "ru", "uk", "ar", "hi", "id", "so", "vi", "de"].map((code) => el("option", {}, code));
    const found = await ask("A new person", { name: ["Name", el("input", { maxLength: 64 })], language: ["Language of the app", el("select", {}, ...languages)] });
    if (found) await guarded(act("person", found).then((answer) => open(learn(answer))));
  };
  $("#new-group").onclick = async () => {
    const found = await ask("A new group, with everybody and the bot", { title: ["Name", el("input", { maxLength: 128 })] });
    if (found) await guarded(act("group", { ...found, person: me }).then((answer) => open(learn(answer))));
  };
}

// --- events ----------------------------------------------------------------------------------

on("state", () => (store.chats.has(chatId) ? renderAll() : restore()));
on("message", ({ message }) => {
  renderChats();
  if (message.chat.id === chatId) {
    if (message.from?.is_bot) quietAt = 0;
    renderHead();
    renderKeys();
    renderOne(message, true);
  }
});
on("deleted", (event) => {
  renderChats();
  if (event.chat !== chatId) return;
  // Other messages of an album may remain, so render the whole list.
  renderAll();
});
on("reaction", (event) => {
  const message = event.chat === chatId && messagesOf(chatId).get(event.id);
  if (message) renderOne(message, false);
});
on("action", (event) => {
  if (event.chat !== chatId) return;
  quietAt = performance.now() + ACTION_MS;
  $("#title p").textContent = `The bot ${ACTIONS[event.action] ?? "is busy …"}`;
  $("#title p").classList.add("busy");
  setTimeout(renderHead, ACTION_MS + 50);
});
on("answered", ({ person, text, alert }) => {
  if (person !== me || !text) return;
  if (alert) ask(text);
  else notice(text);
});
for (const kind of ["chat", "person"]) on(kind, () => { renderChats(); renderHead(); });
on("online", (isOnline) => { $("#offline").hidden = isOnline; });
addEventListener("hashchange", () => {
  const [id, as] = location.hash.slice(1).split("/").map(Number);
  if ((id !== chatId || as !== me) && store.chats.has(id)) open(id, as);
});

setUp();
connect();
