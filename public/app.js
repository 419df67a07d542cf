// The dashboard: the processes that are alive, and what happens to them.
//
// The list is read anew when events say that it changed, at most once in 500 ms, and every 5 s for
// the numbers that change without events. The stream is the browser's EventSource, which resumes by
// itself. All text goes through textContent: names and results come from scripts.
//
// Where the server asks for a token the page shows a form, and the token becomes a cookie that no
// script can read. The page itself never keeps it.

const KINDS = [
  "SPAWN", "EXIT", "LINK_DOWN", "CANCEL", "REGISTER", "UNREGISTER", "RESTART", "UPGRADE", "LIMIT",
  "STALLED",
];
const EVENTS_SHOWN = 200;
const PROCESSES_SHOWN = 200;

const byId = (id) => document.getElementById(id);

function element(name, text, className) {
  const node = document.createElement(name);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
}

function readableBytes(bytes) {
  const units = ["B", "KiB", "MiB", "GiB"];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) {
    bytes /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? bytes : bytes.toFixed(1)} ${units[unit]}`;
}

function say(text, isBad = false) {
  byId("status").textContent = text;
  byId("status").classList.toggle("bad", isBad);
}

async function problemText(response) {
  try {
    const problem = await response.json();
    return problem.detail ?? `The server answered ${response.status}.`;
  } catch {
    return `The server answered ${response.status}.`;
  }
}

// MARK: Who is let in

// Only whether there was a login, so that the button is there after a reload; no secret.
const LOGGED_IN = "moonlet-logged-in";

function showLogin(text = "") {
  localStorage.removeItem(LOGGED_IN);
  source?.close();
  source = null;
  byId("login").hidden = false;
  byId("main").hidden = true;
  byId("logout").hidden = true;
  byId("login-status").textContent = text;
  byId("processes").replaceChildren();
  byId("events").replaceChildren();
  say("Not logged in", true);
  byId("token").focus();
}

function showMain() {
  byId("login").hidden = true;
  byId("main").hidden = false;
  byId("logout").hidden = localStorage.getItem(LOGGED_IN) === null;
}

async function logIn(event) {
  event.preventDefault();
  const token = byId("token").value;
  byId("token").value = "";
  try {
    const response = await fetch("/v1/login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token }),
    });
    if (!response.ok) {
      showLogin(await problemText(response));
      return;
    }
    localStorage.setItem(LOGGED_IN, "yes");
    await begin();
  } catch {
    byId("login-status").textContent = "The server can't be reached.";
  }
}

async function logOut() {
  try {
    await fetch("/v1/logout", { method: "POST" });
    showLogin();
  } catch {
    say("The server can't be reached.", true);
  }
}

async function terminate(pid) {
  try {
    const response = await fetch(`/v1/processes/${encodeURIComponent(pid)}`, { method: "DELETE" });
    if (response.status === 401) showLogin(await problemText(response));
    else if (!response.ok) say(await problemText(response), true);
  } catch {
    say("The server can't be reached.", true);
  }
}

function processRow(process) {
  const row = element("tr");
  row.append(
    element("td", process.pid, "code"),
    element("td", process.entry, "code"),
    element("td", process.names.join(", ")),
    element("td", process.state, `state ${process.state}`),
    element("td", new Date(process.started_at).toLocaleTimeString()),
    element("td", readableBytes(process.memory_bytes), "number"),
    element("td", String(process.mailbox.messages), "number"),
  );
  const button = element("button", "Kill");
  button.type = "button";
  button.setAttribute("aria-label", `Kill ${process.pid}`);
  button.addEventListener("click", () => terminate(process.pid));
  const cell = element("td");
  cell.append(button);
  row.append(cell);
  return row;
}

let isReading = false;
let isStale = false;

// Says whether there was an answer to show.
async function readProcesses() {
  if (isReading) {
    isStale = true;
    return false;
  }
  isReading = true;
  try {
    const response = await fetch(`/v1/processes?sort=-started&limit=${PROCESSES_SHOWN}`);
    if (response.status === 401) {
      if (byId("login").hidden) showLogin();
      return false;
    }
    showMain();
    if (!response.ok) {
      say(await problemText(response), true);
      return true;
    }
    const page = await response.json();
    byId("processes").replaceChildren(...page.items.map(processRow));
    byId("count").textContent = `(${page.items.length}${page.next_cursor ? "+" : ""})`;
    byId("empty").hidden = page.items.length > 0;
    byId("more").hidden = !page.next_cursor;
    return true;
  } catch {
    say("The server can't be reached.", true);
    return true;
  } finally {
    isReading = false;
    if (isStale) {
      isStale = false;
      readSoon();
    }
  }
}

let pending = null;

function readSoon() {
  pending ??= setTimeout(() => {
    pending = null;
    readProcesses();
  }, 500);
}

function eventText(event) {
  switch (event.kind) {
    case "EXIT":
      return event.error
        ? `${event.entry} ${event.reason}: ${event.error.message}`
        : `${event.entry} ${event.reason} ${JSON.stringify(event.result)}`;
    case "SPAWN":
      return event.entry + (event.name ? ` as ${event.name}` : "");
    case "LINK_DOWN":
      return `told ${event.to}`;
    case "REGISTER":
    case "UNREGISTER":
      return event.name;
    case "CANCEL":
      return event.reason;
    default:
      return "";
  }
}

function addItem(item) {
  const list = byId("events");
  list.prepend(item);
  while (list.children.length > EVENTS_SHOWN) list.lastElementChild.remove();
}

function showEvent(event) {
  const item = element("li", undefined, event.error ? "bad" : "");
  item.append(
    element("time", new Date(event.at).toLocaleTimeString()),
    element("strong", event.kind),
    element("span", event.from, "code"),
    element("span", eventText(event)),
  );
  addItem(item);
}

let source = null;

function follow() {
  source?.close();
  source = new EventSource("/v1/events");
  source.addEventListener("hello", () => {
    say("Live");
    readSoon();
  });
  for (const kind of KINDS) {
    source.addEventListener(kind, (message) => {
      showEvent(JSON.parse(message.data));
      readSoon();
    });
  }
  source.addEventListener("gap", (message) => {
    const gap = JSON.parse(message.data);
    addItem(element("li", `${gap.missed ?? "Some"} events were missed (${gap.reason}).`, "bad"));
    readSoon();
  });
  source.addEventListener("bye", (message) => {
    const { reason } = JSON.parse(message.data);
    if (reason === "draining") {
      say("The server is shutting down.", true);
    } else {
      source.close();
      begin();
    }
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) {
      say("The server refused the stream; reload to try again.", true);
      // Where it is for want of a token, this shows the form.
      readSoon();
    } else {
      say("Connection lost; trying again …", true);
    }
  });
}

async function begin() {
  if (await readProcesses()) follow();
}

byId("login").addEventListener("submit", logIn);
byId("logout").addEventListener("click", logOut);
begin();
setInterval(() => {
  if (byId("login").hidden) readProcesses();
}, 5000);
