/* What changed, in words, objects and fields; and what was found. */
const GRAVE = { "data-loss": "grave", downtime: "grave", security: "grave", recreated: "some", cost: "some", behaviour: "some", safe: "none" };
const riskTag = (risk) => tag(DATA.review.words[risk], GRAVE[risk]);
const at = (spot) => (spot ? link(`${S.project.sources[spot[0]][0]}:${spot[1]}`, () => Source.goSpec(spot)) : "");
const only = (names) => (names.length ? ` (${names.join(", ")})` : "");

function summaryView() {
  const { review } = DATA, project = S.project;
  const parts = [el("p", { cls: "headline", text: review.headline }), el("p", {}, "Gravest risk: ", riskTag(review.risk), ` From ${review.base} to ${review.head || "the working tree"}.`),
    ...review.notes.map((note) => el("p", { text: `Note: ${seen(note)}` }))];
  const risks = risksOf(project);
  parts.push(el("h2", { text: "Risks" }), ...(risks.length ? many(risks, ({ risk, reason, names, objects }) => el("li", {}, riskTag(risk), `${only([...new Set(names)])} ${seen(reason)}`,
    objects.length ? el("div", {}, ...many(objects, ([env, object]) => el("li", {}, link(object.subject, () => { chooseEnvironment(env.name); Changes.goTo(object); }), ` (${env.name})`), 4)) : ""))
    : [el("p", { text: "None that a rule knows." })]));
  parts.push(el("h2", { text: "In words of the project" }), ...(project.remarks.length ? remarksOf(project.remarks) : [el("p", { text: "Nothing to say." })]));
  parts.push(...loads(project), ...environmentsOf(project), ...beyondOf(project));
  return el("div", { cls: "pad" }, parts);
}

function risksOf(project) {
  const found = new Map(), order = Object.keys(DATA.review.words);
  const add = (hazard, names, objects) => {
    if (hazard.risk === "safe") return;
    const key = JSON.stringify([hazard.risk, hazard.reason]);
    if (!found.has(key)) found.set(key, { ...hazard, names: [], objects: [] });
    found.get(key).names.push(...names);
    found.get(key).objects.push(...objects);
  };
  project.remarks.forEach((remark) => remark.hazards.forEach((hazard) => add(hazard, remark.environments, [])));
  project.environments.forEach((env) => (env.objects || []).forEach((object) => object.hazards.forEach((hazard) => add(hazard, [env.name], [[env, object]]))));
  return [...found.values()].sort((a, b) => order.indexOf(b.risk) - order.indexOf(a.risk));
}

function remarksOf(remarks) {
  const sections = new Map();
  remarks.forEach((remark) => { if (!sections.has(remark.section)) sections.set(remark.section, []); sections.get(remark.section).push(remark); });
  return [...sections].flatMap(([name, items]) => [el("h3", { text: seen(name) }), ...many(items, (item) =>
    el("li", {}, seen(item.text), only(item.environments), " ", at(item.at), item.hazards.filter((hazard) => hazard.risk !== "safe").map((hazard) => [" ", riskTag(hazard.risk)]).flat()))]);
}

const number = (value) => value.toLocaleString("en", { maximumFractionDigits: 1 });
function step(before, after) {
  if (before === after) return number(after);
  return `${number(before)} → ${number(after)} (${after > before ? "+" : ""}${number(after - before)})`;
}

function loads(project) {
  const rows = project.environments.filter((env) => env.load && JSON.stringify(env.load[0]) !== JSON.stringify(env.load[1]));
  if (!rows.length) return [];
  const none = { cpu: 0, gpu: [], storage: 0, price: null, currency: "", bound: false, unknown: [] };
  return [el("h2", { text: "What it asks for in a month" }), el("div", { cls: "wide", tabindex: 0, role: "region", "aria-label": "What it asks for in a month" }, el("table", {},
    el("thead", {}, el("tr", {}, ["environment", "CPU hours", "GPU hours", "storage, GiB", "price"].map((text) => el("th", { scope: "col", text })))),
    el("tbody", {}, rows.map((env) => {
      const [old, now] = env.load.map((load) => load || none), kinds = [...new Set([...old.gpu, ...now.gpu].map(([kind]) => kind))];
      const of = (load, kind) => (load.gpu.find(([name]) => name === kind) || [0, 0])[1];
      const price = old.price === null && now.price === null ? "no price file" : `${step(old.price || 0, now.price || 0)} ${now.currency || old.currency}`;
      return el("tr", {}, el("th", { scope: "row", text: `${env.name}${now.bound || old.bound ? " (at most)" : ""}` }), el("td", { text: step(old.cpu, now.cpu) }),
        el("td", { text: kinds.map((kind) => `${kind}: ${step(of(old, kind), of(now, kind))}`).join(", ") || "0" }), el("td", { text: step(old.storage, now.storage) }), el("td", { text: price }));
    }))))];
}

function environmentsOf(project) {
  return [el("h2", { text: "Environments" }), ...many(project.environments, (env) => {
    const counts = env.status === "same" ? "" : env.counts ? Object.entries(env.counts).map(([action, count]) => `${count.toLocaleString("en")} to ${action}`).join(", ") : "";
    return el("li", {}, link(env.name, () => { chooseEnvironment(env.name); select("changes"); }), ` ${env.status && env.status !== "same" ? env.status : "nothing changes"}${counts ? `: ${counts}` : ""}${env.followers ? `; ${plural(env.followers, "more object")} in digests and names alone` : ""}${env.compiled ? "" : "; does not compile to anything here"}`);
  })];
}

function beyondOf(project) {
  const rows = project.environments.flatMap((env) => {
    const found = env.beyond || [], stale = found.filter((item) => item.stale);
    const told = stale.length > 1 ? [{ file: plural(stale.length, "file"), why: stale[0].why, fields: [] }] : stale;
    return [...told, ...found.filter((item) => !item.stale)].map((item) => [env, item]);
  });
  if (!rows.length) return [];
  return [el("h2", { text: "Beyond the change of the project" }), ...many(rows, ([env, item]) => el("li", {}, el("code", { text: seen(item.file) }), ` (${env.name}): ${item.why}`, item.fields.length ? fieldTable(item.fields) : ""))];
}

const shown = (value) => (typeof value === "string" ? seen(value) : JSON.stringify(value, null, 1));

function fieldTable(fields) {
  const cell = (held, cls, what) => el("td", {}, held ? el("pre", { cls, text: short(shown(held[0]), 20000) }) : el("span", { cls: "soft", text: what }));
  return el("div", { cls: "wide", tabindex: 0, role: "region", "aria-label": "Fields" }, el("table", {}, el("thead", {}, el("tr", {}, ["field", "before", "after", "from"].map((text) => el("th", { scope: "col", text })))),
    el("tbody", {}, fields.slice(0, 500).map((field) => el("tr", {}, el("td", {}, el("code", { text: seen(field.path) })), cell(field.before, "before", "not there"), cell(field.after, "after", "gone"),
      el("td", {}, field.spec >= 0 ? el("code", { text: spelled(S.project.paths[field.spec]) }) : "")))),
  ), fields.length > 500 ? el("p", { text: `${plural(fields.length - 500, "more field")} not shown here.` }) : "");
}

const Changes = {
  rows: [],
  panel() {
    this.list = new List({ label: "Objects that change", tall: true, draw: (index, row) => this.draw(index, row), move: (index) => this.open(index), pick: (index) => this.open(index) });
    this.detail = el("section", { cls: "detail", "aria-label": "The chosen object", tabindex: 0 });
    this.title = el("h2", { text: "Objects" });
    const all = [["", "all"], ["risky", "with a risk"], ["add", "to add"], ["change", "to change"], ["replace", "to replace"], ["remove", "to remove"]];
    this.filter = el("select", { "aria-label": "Which objects", onchange: () => this.enter() }, all.map(([value, text]) => el("option", { value, text })));
    return el("div", { cls: "split" }, el("section", { cls: "pane", "aria-label": "Objects" }, el("div", { cls: "bar" }, this.title, this.filter), this.list.host), this.detail);
  },
  enter() {
    const objects = (S.environment && S.environment.objects) || [], want = this.filter.value;
    this.rows = objects.filter((item) => Source.inTarget(item.file) && (!want || (want === "risky" ? item.hazards.some((one) => one.risk !== "safe") : item.action === want)));
    this.title.textContent = `${plural(this.rows.length, "object")}${S.environment ? ` of ${S.environment.name}` : ""}`;
    this.list.set(this.rows.length, { width: Math.max(20, ...this.rows.slice(0, 3000).map((item) => item.subject.length + 30)), current: this.rows.length ? 0 : -1 });
    this.open(0);
  },
  draw(index, row) {
    const item = this.rows[index], grave = item.hazards.find((one) => one.risk !== "safe");
    row.append(" ", tag(item.action, item.action === "remove" ? "grave" : item.action === "add" ? "none" : "some"), ` ${seen(item.subject)} `, grave ? riskTag(grave.risk) : "");
  },
  open(index) {
    const item = this.rows[index];
    if (!item) { this.detail.replaceChildren(el("p", { text: "Nothing changes here." })); return; }
    this.detail.replaceChildren(el("h2", {}, tag(item.action), ` ${seen(item.subject)}`), el("p", {}, item.was ? `Was ${seen(item.was)}. ` : "", "In ", link(item.file, () => Source.goFile(item.file))),
      ...(item.hazards.length ? [el("ul", {}, item.hazards.map((one) => el("li", {}, riskTag(one.risk), ` ${seen(one.reason)}`)))] : []), item.fields.length ? fieldTable(item.fields) : el("p", { cls: "soft", text: "The whole object: see its file." }));
    say(`${item.action} ${item.subject}`);
  },
  goTo(object) {
    select("changes");
    this.filter.value = "";
    if (!Source.inTarget(object.file)) chooseTarget("");
    this.enter();
    this.list.go(this.rows.indexOf(object), { centre: true });
    this.list.host.focus();
  },
};

const told = () => [...S.project.findings, ...((S.environment && S.environment.findings) || [])];

function findingsView() {
  const order = ["error", "warning", "note"], rows = told().slice().sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
  if (!rows.length) return el("div", { cls: "pad" }, el("p", { text: "Nothing was found." }));
  return el("div", { cls: "pad" }, order.flatMap((severity) => {
    const found = rows.filter((row) => row.severity === severity);
    if (!found.length) return [];
    return [el("h2", { text: plural(found.length, severity) }), ...many(found, (item) => el("li", {}, tag(severity, severity === "error" ? "grave" : severity === "warning" ? "some" : "soft"), " ", el("code", { text: item.code }), " ", at(item.at), ` ${seen(item.message)}`, item.help ? el("div", { cls: "soft", text: `Help: ${seen(item.help)}` }) : ""))];
  }));
}
