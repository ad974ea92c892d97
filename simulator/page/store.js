// The page's copy of the simulator's state, and the listeners for its events.

export const store = {
  bot: null, running: true, people: new Map(), chats: new Map(), messages: new Map(), timelines: new Map(),
  commands: {}, samples: [], calls: [], faults: {}, sites: [], admins: [],
  /** Id of the newest message of each chat that the bot has got. */
  read: new Map(),
  /** Id of the newest message that a person has read in a chat, by "person/chat". */
  seen: new Map(),
};

/** Actions that take seconds or tell the bot nothing: no other action waits for them. */
const APART = new Set(["crash", "kill", "see"]);
/** When the last action of each person, and of the switches, has arrived. */
const arrivals = new Map();

const listeners = new Map();
let source = null;

/** Call `listener` with every event of this kind from now on. */
export function on(kind, listener) {
  if (!listeners.has(kind)) listeners.set(kind, []);
  listeners.get(kind).push(listener);
}

function tell(kind, event) {
  for (const listener of listeners.get(kind) ?? []) listener(event);
}

/** Connect to the simulator; EventSource reconnects by itself and then gets the full state. */
export function connect() {
  source = new EventSource("/page/events");
  source.onmessage = ({ data }) => take(JSON.parse(data));
  source.onopen = () => tell("online", true);
  source.onerror = () => tell("online", false);
}

/** Send a user action and return the response. As in Telegram, one person's actions arrive in their order. */
export function act(action, what) {
  if (APART.has(action)) return post(action, what);
  const actor = what.person ?? 0;
  const answer = (arrivals.get(actor) ?? Promise.resolve()).then(() => post(action, what));
  arrivals.set(actor, answer.catch(() => {}));
  return answer;
}

async function post(action, what) {
  const answer = await fetch(`/page/do/${action}`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(what),
  });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

export const messagesOf = (chat) => store.messages.get(chat) ?? new Map();

function take(event) {
  switch (event.type) {
    case "state": takeAll(event); break;
    case "message": keep(event.message); break;
    case "deleted": messagesOf(event.chat).delete(event.id); break;
    case "reaction": {
      const message = messagesOf(event.chat).get(event.id);
      if (message) message.reaction = event.emoji;
      break;
    }
    case "read": read(event.chat, event.id); break;
    case "seen": store.seen.set(`${event.person}/${event.chat}`, event.id); break;
    case "commands": store.commands = event.commands; break;
    case "chat":
    case "person": learn(event); break;
    case "call": store.calls.push(event.call); break;
    case "timeline": store.timelines.set(event.line.number, event.line); break;
    case "running": store.running = event.running; break;
    case "faults": store.faults = event.faults; break;
  }
  tell(event.type, event);
}

/** Store a chat, and the user if there is a new one; return the chat's id. */
export function learn({ person, chat }) {
  if (person) store.people.set(person.id, person);
  store.chats.set(chat.id, chat);
  return chat.id;
}

function takeAll(state) {
  for (const key of ["bot", "running", "commands", "samples", "calls", "faults", "sites", "admins"]) store[key] = state[key];
  store.people = new Map(state.people.map((person) => [person.id, person]));
  store.chats = new Map(state.chats.map((chat) => [chat.id, chat]));
  store.timelines = new Map(state.timelines.map((line) => [line.number, line]));
  store.messages = new Map();
  store.read = new Map();
  store.seen = new Map(state.seen.map(([person, chat, id]) => [`${person}/${chat}`, id]));
  state.messages.forEach(keep);
}

function read(chat, id) {
  store.read.set(chat, Math.max(id, store.read.get(chat) ?? 0));
}

function keep(message) {
  const chat = message.chat.id;
  if (!store.chats.has(chat)) {
    store.chats.set(chat, { ...message.chat, title: message.chat.title ?? message.chat.first_name });
  }
  if (!store.messages.has(chat)) store.messages.set(chat, new Map());
  store.messages.get(chat).set(message.message_id, message);
  if (message.from?.is_bot || message.reaction) read(chat, message.message_id);
  if (message.from?.id === chat) store.chats.get(chat).has_begun = true;
}
