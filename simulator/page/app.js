// The page: the open chat and all user actions in it.

import { above, add, below, fill, list, remove } from "./blocks.js";
import { chats, see, watchKeys } from "./chats.js";
import { compose, edit, keepDraft, reply, say, showDraft, type } from "./composer.js";
import { $, bdi, counted, el, face, icon, nameOf } from "./dom.js";
import { menuOf } from "./menu.js";
import { item, renew, settle } from "./messages.js";
import { panel, togglePanel } from "./panel.js";
import { describe, isAdmin, roleIn } from "./roles.js";
import { act, connect, learn, messagesOf, on, store } from "./store.js";
import { follow, isFollowing, toEnd, watchScroll } from "./scroll.js";

const ACTIONS = { typing: "typing …", upload_video: "sending a video …", upload_photo: "sending a photo …", upload_document: "sending a file …", record_video: "preparing a video …" };
const ACTION_MS = 5_000;

let me = 0;
let chatId = 0;
let quietAt = 0;
/** Elements of the list by the key of their message or album. */
const shown = new Map();

const chat = () => store.chats.get(chatId);
const isGroup = () => chat()?.type !== "private";
const canWrite = () => !!chat() && chat().type !== "channel";
/** As in Telegram, a chat with the bot begins with a button instead of the composer. */
const hasBegun = () => isGroup() || !!chat()?.has_begun;
/** A phone would open its keyboard with the focus. */
const hasKeyboard = () => matchMedia("(pointer: fine)").matches;

// --- open chat -------------------------------------------------------------------------------

function open(id, as = me) {
  keepDraft();
  chatId = id;
  me = store.chats.get(id)?.type === "private" ? id : store.people.has(as) ? as : [...store.people.keys()][0];
  location.replace(`#${chatId}/${me}`);
  document.body.classList.add("in-chat");
  showDraft();
  lookAt();
  renderAll();
}

/** Mark the open chat as read, if its end can be seen. */
function lookAt() {
  const isShown = !document.hidden && document.body.classList.contains("in-chat");
  if (isShown && chat()) see(chat(), me);
}

/** Open a chat that was chosen from the list, ready for typing. */
function choose(id) {
  open(id);
  if (canWrite() && hasKeyboard()) $(hasBegun() ? "#text" : "#start").focus();
}

/** Open the chat in the URL's fragment, or the first user's private chat. */
function restore() {
  const [id, as] = location.hash.slice(1).split("/").map(Number);
  if (store.chats.has(id)) open(id, as);
  else if (store.people.size) open([...store.people.keys()][0]);
}

const renderChats = () => chats(me, chatId, choose);

// --- the open chat ---------------------------------------------------------------------------

function renderAll(jumps = true) {
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
  fill(nodes);
  nodes.forEach(settle);
  renderStart();
  if (jumps) follow();
}

/** Show what a new chat with the bot shows in Telegram: what it is, and a button to start it. */
function renderStart() {
  const hadFocus = document.activeElement === $("#start");
  $("#welcome").hidden = hasBegun() || messagesOf(chatId).size > 0;
  $("#start").hidden = hasBegun();
  $("#composer").classList.toggle("waits", !hasBegun());
  if (hadFocus && hasBegun()) (hasKeyboard() ? $("#text") : $("#messages")).focus({ preventScroll: true });
}

async function start() {
  const one = chat();
  await say("/start");
  one.has_begun = true; // its message may arrive here later
  renderStart();
}

function renderHead() {
  const one = chat();
  if (!one) return;
  const isPrivate = one.type === "private";
  const title = isPrivate ? store.bot.first_name : one.title;
  $("#title h2").replaceChildren(bdi(title));
  $("#title .face").replaceWith(face(isPrivate ? { isBot: true } : { id: one.id, name: one.title }));
  const isBusy = performance.now() < quietAt;
  if (!isBusy) $("#title p").replaceChildren(...subtitle(one, isPrivate));
  $("#title p").classList.toggle("busy", isBusy);
  $("#block").hidden = $("#invite").hidden = !isPrivate;
  $("#block").textContent = one.closed ? "Unblock the bot" : "Block the bot";
  $("#composer").hidden = !canWrite();
  $("#send-as").hidden = isPrivate;
  $("#send-as select").replaceChildren(...[...store.people.values()].map((person) =>
    el("option", { value: person.id, selected: person.id === me }, nameOf(person))));
}

/** Return words that a phone has no room for. */
const spare = (words) => el("span.spare", {}, words);

function subtitle(one, isPrivate) {
  if (one.closed) return ["The bot is blocked."];
  if (one.type === "channel") return ["channel"];
  const what = isPrivate ? "bot" : `${counted(store.people.size, "person", "people")} and the bot`;
  const role = isPrivate ? isAdmin(me) && ["admin", spare("istrator of the bot")] : roleIn(one, me) && [roleIn(one, me)];
  return [spare(`${what} · `), "you are ", bdi(nameOf(store.people.get(me))), ...(role ? [", ", ...role] : [])];
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
const isSeen = (message) => message.message_id <= (store.read.get(message.chat.id) ?? 0);
const context = (isNew) => ({ me, isGroup: isGroup(), isNew, isSeen });

/** Render a message or its album again, in its place or at the end of the list. */
function renderOne(message, isNew) {
  const key = keyOf(message);
  const album = message.media_group_id
    ? [...messagesOf(chatId).values()].filter((one) => one.media_group_id === message.media_group_id) : [message];
  const old = shown.get(key);
  const next = item(album, context(isNew), hands);
  const node = old ? renew(old, next) : next;
  shown.set(key, node);
  if (!old) add(node);
  settle(node);
  if (below(node)) settle(below(node));
  if (!old) toEnd(message.from?.id === me);
}

/** Take a message out of the list; other messages of an album remain, and are arranged anew. */
function takeOut(id) {
  const node = shown.get(`m${id}`);
  if (!node) return renderAll(false);
  const next = below(node) ?? above(node);
  const wasFocused = node.contains(document.activeElement);
  remove(node);
  shown.delete(`m${id}`);
  if (next) settle(next);
  if (wasFocused) (next?.querySelector(".bubble") ?? $("#messages")).focus();
}

/** Turn the single ticks of messages that the bot has got into double ones. */
function renderTicks() {
  for (const use of list.querySelectorAll(".mine use[href$='#sent']")) {
    use.setAttribute("href", "/page/icons.svg#read");
    use.closest(".meta").querySelector(".visually-hidden").textContent = "read";
  }
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
  reply: (message) => canWrite() && reply(message),
  menu: (messages, event) => openMenu(messages, event),
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

/** Open the menu of a message or an album: what Telegram's apps offer there. */
function openMenu(messages, event) {
  const [first] = messages;
  const words = messages.map((one) => one.text ?? one.caption).find(Boolean);
  const isMine = first.from?.id === me;
  const mayDelete = isMine || !isGroup() || !!roleIn(chat(), me);
  menuOf(event, [
    canWrite() && ["Reply", () => reply(first)],
    words && ["Copy text", () => hands.copy(words)],
    isMine && first.text && !first.via_bot && ["Edit", () => edit(first)],
    mayDelete && ["Delete", () => messages.forEach((one) => guarded(act("delete", { person: me, chat: chatId, message: one.message_id })))],
  ].filter(Boolean));
}

/** Move through the messages with the arrow keys, from the newest; Enter opens the menu of one. */
function walk(event) {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  const isHere = event.target === $("#messages");
  if (!step || !(isHere || event.target.matches(".bubble"))) return;
  const bubbles = [...list.querySelectorAll(".bubble")];
  const next = isHere ? isFollowing() && step < 0 && bubbles.at(-1) : bubbles[bubbles.indexOf(event.target) + step];
  if (!next && (isHere || step < 0)) return; // the list scrolls
  event.preventDefault();
  (next ?? $("#text")).focus();
}

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

/** Send a sample as whoever it is meant for, with its fault switched on first. */
async function play(sample) {
  if (sample.person && (me !== sample.person || isGroup())) open(sample.person);
  if (!canWrite()) return;
  const { fault, url, album } = sample;
  if (fault.startsWith("site:")) await act("site", { site: "", kind: fault.slice(5) });
  else if (fault) await act("fault", { method: "sendVideo", kind: fault });
  if (sample.is_typed) {
    if (!hasBegun()) await start();
    type(url);
  } else if (album) await act("album", { person: me, chat: chatId, pictures: album });
  else for (const line of url.split("\n")) await say(line);
}

function setUpMenu() {
  const menu = $("#menu");
  menu.querySelector("summary").append(icon("more"));
  menu.querySelector("menu").onclick = () => { menu.open = false; };
  document.addEventListener("click", ({ target }) => { if (!menu.contains(target)) menu.open = false; });
  menu.onkeydown = ({ key }) => {
    if (key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary").focus();
  };
  $("#block").onclick = () => guarded(act("block", { person: chatId }));
  $("#invite").onclick = async () => {
    const found = await ask(`t.me/${store.bot.username}?start=…`, { payload: ["Payload", el("input", { maxLength: 64, pattern: "[A-Za-z0-9_\\-]+", value: "spring" })] });
    if (found) hands.say(`/start ${found.payload}`);
  };
  for (const button of [$("#about"), $("#who")]) {
    button.onclick = () => {
      describe(chat(), me, $("#info-body"));
      $("#info").showModal();
    };
  }
}

function setUpPeople() {
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

function setUp() {
  watchScroll(lookAt);
  watchKeys();
  $("#messages").onkeydown = walk;
  document.onvisibilitychange = () => isFollowing() && lookAt();
  compose(() => ({ me, chat: chatId, canWrite: canWrite(), isGroup: isGroup() }), notice);
  panel({ play: (sample) => guarded(play(sample)), notice, chat: () => chatId });
  $("#back").append(icon("back"));
  $("#back").onclick = () => {
    document.body.classList.remove("in-chat");
    keepDraft();
    renderChats();
    $("#chats [aria-current=true]").focus();
  };
  $("#toggle-aside").prepend(icon("samples"));
  $("#start").onclick = () => guarded(start());
  $("#pick").onclick = () => {
    togglePanel(true);
    $("#samples button")?.focus();
  };
  $("#send-as select").onchange = ({ target }) => open(chatId, Number(target.value));
  setUpMenu();
  setUpPeople();
}

// --- events ----------------------------------------------------------------------------------

on("state", () => {
  if (!store.chats.has(chatId)) return restore();
  lookAt();
  renderAll();
});
on("message", ({ message }) => {
  if (message.chat.id === chatId) {
    if (isFollowing()) lookAt();
    if (message.from?.is_bot) {
      quietAt = 0;
      renderTicks();
    }
    renderHead();
    renderKeys();
    renderOne(message, true);
    renderStart();
  }
  renderChats();
});
on("deleted", (event) => {
  renderChats();
  if (event.chat === chatId) takeOut(event.id);
});
on("reaction", (event) => {
  const message = event.chat === chatId && messagesOf(chatId).get(event.id);
  if (message) renderOne(message, false);
});
on("seen", renderChats);
on("read", (event) => event.chat === chatId && renderTicks());
on("action", (event) => {
  if (event.chat !== chatId) return;
  quietAt = performance.now() + ACTION_MS;
  const what = ACTIONS[event.action] ?? "busy …";
  $("#title p").replaceChildren(...(isGroup() ? [bdi(store.bot.first_name), ` is ${what}`] : [what]));
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
