/* The views, what is chosen above them, search, keys and the theme. */
const Search = {
  rows: [],
  panel() {
    this.title = el("h2", { text: "Search" });
    this.list = new List({ label: "Lines that have the text", draw: (index, row) => {
      const hit = this.rows[index];
      row.append(el("span", { cls: "key", text: `${seen(hit.name)}:${hit.line}` }), `  ${seen(hit.text.trim().slice(0, 300))}`);
    }, pick: (index) => this.open(index) });
    return el("section", { cls: "pane", "aria-label": "Search" }, el("div", { cls: "bar" }, this.title), this.list.host);
  },
  run(text) {
    const wanted = text.toLowerCase();
    this.rows = [];
    if (wanted && S.environment) {
      S.project.sources.forEach(([name, head], source) => this.within(name, linesOf(head), wanted, { source }));
      for (const file of opened(S.environment).files.values()) if (Source.inTarget(file.path)) this.within(file.path, linesOf(file.head), wanted, {});
    }
    const full = this.rows.length >= 2000;
    this.title.textContent = wanted ? `${full ? "The first " : ""}${plural(this.rows.length, "line")} with “${text}”` : "Type something to search for";
    this.list.set(this.rows.length, { width: 200, current: this.rows.length ? 0 : -1 });
    say(this.title.textContent);
  },
  within(name, lines, wanted, more) {
    for (let at = 0; at < lines.length && this.rows.length < 2000; at += 1) {
      if (lines[at].toLowerCase().includes(wanted)) this.rows.push({ name, line: at + 1, text: lines[at], ...more });
    }
  },
  open(index) {
    const hit = this.rows[index];
    if (hit.source === undefined) Source.goFile(hit.name, hit.line); else Source.goSpec([hit.source, hit.line]);
  },
};

const VIEWS = [
  ...(DATA.review ? [["summary", "Summary", summaryView], ["changes", "Changes", null]] : []),
  ["source", "Source and output", null], ["graph", "Graph", graphView], ["findings", "Findings", findingsView], ["search", "Search", null],
];
const PARTS = { source: Source, changes: Changes, search: Search };
let view = VIEWS[0][0];

function build() {
  document.title = `${DATA.title} - mlwright`;
  $("title").textContent = seen(DATA.title);
  for (const [name, label] of VIEWS) {
    const panel = el("div", { role: "tabpanel", id: `panel-${name}`, "aria-labelledby": `tab-${name}`, hidden: true });
    if (PARTS[name]) panel.append(PARTS[name].panel());
    $("main").append(panel);
    $("tabs").append(el("button", { role: "tab", type: "button", id: `tab-${name}`, "aria-controls": `panel-${name}`, text: label, onclick: () => select(name) }));
  }
  $("tabs").addEventListener("keydown", (event) => {
    const turn = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!turn) return;
    const names = VIEWS.map(([name]) => name);
    select(names[(names.indexOf(view) + turn + names.length) % names.length]);
    $(`tab-${view}`).focus();
    event.preventDefault();
  });
}

function select(name) {
  view = name;
  for (const [other, , make] of VIEWS) {
    const isHere = other === name;
    $(`panel-${other}`).hidden = !isHere;
    $(`tab-${other}`).setAttribute("aria-selected", isHere);
    $(`tab-${other}`).tabIndex = isHere ? 0 : -1;
    if (isHere && make) $(`panel-${other}`).replaceChildren(make());
  }
  if (name === "source") { Source.tree.later(); Source.repaint(); }
  if (name === "changes") Changes.list.later();
  remember();
}

function chooseProject(at) {
  S.project = DATA.projects[at];
  const names = S.project.environments.map((env) => env.name);
  Source.out.file = null; Source.spec.source = 0;
  $("project").value = at;
  $("environment").replaceChildren(...names.map((name) => el("option", { value: name, text: name })));
  const first = S.project.environments.find((env) => env.status && env.status !== "same" && env.compiled) || S.project.environments.find((env) => env.compiled) || S.project.environments[0];
  chooseEnvironment(first ? first.name : "");
}

function chooseEnvironment(name) {
  S.environment = S.project.environments.find((env) => env.name === name) || null;
  if (S.environment) $("environment").value = name;
  const targets = S.environment ? [...new Set(S.environment.files.map(([path]) => path).filter((path) => path.includes("/")).map((path) => path.split("/")[0]))] : [];
  $("target").replaceChildren(el("option", { value: "", text: "all" }), ...targets.map((target) => el("option", { value: target, text: target })));
  chooseTarget(targets.includes(S.target) ? S.target : "");
}

function chooseTarget(target) {
  S.target = target;
  $("target").value = target;
  if (S.environment) { Source.enter(); if (DATA.review) Changes.enter(); Search.run($("search").value); }
  $("tab-findings").textContent = `Findings (${told().filter((item) => item.severity !== "note").length})`;
  const made = VIEWS.find(([name]) => name === view)[2];
  if (made) $(`panel-${view}`).replaceChildren(made());
  remember();
}

/* What is looked at is in the address, so that it can be sent to somebody. */
let restoring = true;
function remember() {
  if (restoring || !S.environment) return;
  const { file } = Source.out, line = Source.outList.current >= 0 ? Source.numberAt(Source.out, Source.outList.current) : 0;
  const words = { view, project: DATA.projects.indexOf(S.project) || "", env: S.environment.name, target: S.target, file: file ? file.path : "", line: line || "" };
  const text = Object.entries(words).filter(([, value]) => value !== "").map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join("&");
  history.replaceState(null, "", `#${text}`);
}

function restore() {
  const asked = new URLSearchParams(location.hash.slice(1)), at = Number(asked.get("project") || 0);
  chooseProject(DATA.projects[at] ? at : 0);
  if (S.project.environments.some((env) => env.name === asked.get("env"))) chooseEnvironment(asked.get("env"));
  if ([...$("target").options].some((option) => option.value === asked.get("target"))) chooseTarget(asked.get("target"));
  if (asked.get("file")) Source.goFile(asked.get("file"), Number(asked.get("line") || 1), false);
  const wanted = asked.get("view");
  select(VIEWS.some(([name]) => name === wanted) ? wanted : VIEWS[0][0]);
  restoring = false;
}

const THEMES = ["system", "dark", "light"];
function theme(name) {
  if (name === "system") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.setAttribute("data-theme", name);
  $("theme").textContent = `Theme: ${name}`;
  try { localStorage.setItem("mlwright-theme", name); } catch { /* a page from a file may keep nothing */ }
}
function kept() {
  try { return localStorage.getItem("mlwright-theme") || "system"; } catch { return "system"; }
}

const turn = (select, steps) => {
  const { options } = select;
  if (options.length) { select.selectedIndex = (select.selectedIndex + steps + options.length) % options.length; select.dispatchEvent(new Event("change")); say(select.value || "all"); }
};
function nextLinked(steps) {
  const { rows } = Source.out, set = Source.pinned, from = Source.outList.current;
  for (let count = 1; count <= rows.length; count += 1) {
    const at = (from + steps * count + rows.length * 2) % rows.length, number = Source.originAt(at);
    if (number !== null && set.has(number)) { Source.outList.go(at, { quiet: true, centre: true }); return; }
  }
}
const KEYS = [
  ["?", "show or hide this table", () => ($("keys").open ? $("keys").close() : $("keys").showModal())],
  ["/", "search", () => { $("search").focus(); $("search").select(); }],
  ["e", "next environment (E: the one before)", () => turn($("environment"), 1)], ["E", "", () => turn($("environment"), -1)],
  ["t", "next target (T: the one before)", () => turn($("target"), 1)], ["T", "", () => turn($("target"), -1)],
  ["f", "to the files", () => { select("source"); Source.tree.host.focus(); }],
  ["s", "to the project file", () => { select("source"); Source.specList.host.focus(); }],
  ["o", "to the output", () => { select("source"); Source.outList.host.focus(); }],
  ["n", "next line that the chosen one makes (N: the one before)", () => nextLinked(1)], ["N", "", () => nextLinked(-1)],
  ["d", "next theme: system, dark, light", () => theme(THEMES[(THEMES.indexOf(kept()) + 1) % 3])],
];
const FIXED = [["1 to 6", "go to a view"], ["Tab", "to the next part of the page"], ["↑ ↓ PgUp PgDn Home End", "move in a list: the line's origin is told at once"], ["→ ←", "open and close a folder; next view on the views"], ["Enter", "choose a line and go to its other side; open a file"]];

function listen() {
  $("environment").addEventListener("change", (event) => chooseEnvironment(event.target.value));
  $("target").addEventListener("change", (event) => chooseTarget(event.target.value));
  $("project").addEventListener("change", (event) => chooseProject(Number(event.target.value)));
  $("theme").addEventListener("click", () => theme(THEMES[(THEMES.indexOf($("theme").textContent.slice(7)) + 1) % 3]));
  $("help").addEventListener("click", () => $("keys").showModal());
  $("keys-close").addEventListener("click", () => $("keys").close());
  let waiting = 0;
  $("search").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(() => { select("search"); Search.run($("search").value); }, 150); });
  $("search").addEventListener("keydown", (event) => {
    if (event.key === "Enter") { clearTimeout(waiting); select("search"); Search.run($("search").value); Search.list.host.focus(); }
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input, select, textarea");
    if (event.ctrlKey || event.metaKey || event.altKey || typing || !$("single").checked) return;
    const number = Number(event.key), found = KEYS.find(([key]) => key === event.key);
    if ($("keys").open && event.key !== "?") return;
    if (number >= 1 && number <= VIEWS.length) { select(VIEWS[number - 1][0]); $(`tab-${view}`).focus(); }
    else if (found) found[2]();
    else return;
    event.preventDefault();
  });
  const rows = [...KEYS.filter(([, words]) => words), ...FIXED];
  $("keys-rows").append(...rows.map(([key, words]) => el("tr", {}, el("td", {}, el("kbd", { text: key })), el("td", { text: words }))));
}

build();
if (DATA.projects.length > 1) {
  $("project").append(...DATA.projects.map((project, at) => el("option", { value: at, text: project.spec })));
  $("project-choice").hidden = false;
}
listen();
theme(kept());
if (DATA.projects.length) restore(); else select("summary");
document.documentElement.setAttribute("data-ready", "");
