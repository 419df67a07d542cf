// The dashboard: the processes that are alive, and what happens to them.
//
// The list is read anew when events say that it changed, at most once in 500 ms, and every 5 s for
// the numbers that change without events. The stream is the browser's EventSource, which resumes by
// itself. All text goes through textContent: names and results come from scripts.

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

async function terminate(pid) {
  try {
    const response = await fetch(`/v1/processes/${encodeURIComponent(pid)}`, { method: "DELETE" });
    if (!response.ok) say(await problemText(response), true);
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

async function readProcesses() {
  if (isReading) {
    isStale = true;
    return;
  }
  isReading = true;
  try {
    const response = await fetch(`/v1/processes?sort=-started&limit=${PROCESSES_SHOWN}`);
    if (!response.ok) {
      say(await problemText(response), true);
      return;
    }
    const page = await response.json();
    byId("processes").replaceChildren(...page.items.map(processRow));
    byId("count").textContent = `(${page.items.length}${page.next_cursor ? "+" : ""})`;
    byId("empty").hidden = page.items.length > 0;
    byId("more").hidden = !page.next_cursor;
  } catch {
    say("The server can't be reached.", true);
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

function follow() {
  const source = new EventSource("/v1/events");
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
  source.addEventListener("bye", () => say("The server is shutting down.", true));
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) {
      say("The server refused the stream; reload to try again.", true);
    } else {
      say("Connection lost; trying again …", true);
    }
  });
}

readProcesses();
setInterval(readProcesses, 5000);
follow();
