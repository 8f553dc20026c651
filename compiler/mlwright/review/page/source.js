/* The project's files beside the output, with a line from each to the other. */
const Source = {
  spec: { source: 0, rows: [], mode: "after" },
  out: { file: null, rows: [], mode: "after" },
  shown: new Set(), /* origins under the pointer or on the current line */
  pinned: new Set(), /* origins that were chosen */
  open: new Set(),
  onlyChanged: false,

  panel() {
    const specTitle = el("h2", { text: "Project" }), outTitle = el("h2", { text: "Output" });
    this.specTitle = specTitle; this.outTitle = outTitle;
    this.specFile = el("select", { "aria-label": "File of the project", onchange: (event) => this.openSpec(Number(event.target.value)) });
    this.specMode = this.modes("project file", (mode) => { this.spec.mode = mode; this.openSpec(this.spec.source); });
    this.outMode = this.modes("output file", (mode) => { this.out.mode = mode; this.openFile(this.out.file); });
    this.tree = new List({ label: "Files of the output", role: "tree", row: "treeitem", draw: (at, row) => this.drawTree(at, row),
      pick: (at) => this.pickTree(at), keys: (event) => this.treeKeys(event) });
    this.specList = new List({ label: "Lines of the project file", draw: (at, row) => this.drawLine(this.spec, at, row),
      move: (at) => this.atSpec(at, false), pick: (at) => this.atSpec(at, true) });
    this.outList = new List({ label: "Lines of the output file", draw: (at, row) => this.drawLine(this.out, at, row),
      move: (at) => this.atOutput(at, false), pick: (at) => this.atOutput(at, true) });
    this.hover(this.specList, (at) => this.atSpec(at, false));
    this.hover(this.outList, (at) => this.atOutput(at, false));
    this.inspector = el("section", { cls: "inspector", "aria-label": "Where the line comes from", tabindex: 0 });
    const only = el("input", { type: "checkbox", onchange: (event) => { this.onlyChanged = event.target.checked; this.fillTree(); } });
    this.treeTitle = el("h2", { text: "Files" });
    const pane = (cls, bar, list) => el("section", { cls: `pane ${cls}`, "aria-label": list.host.getAttribute("aria-label") }, el("div", { cls: "bar" }, bar), list.host);
    return el("div", { cls: "panes" },
      pane("tree", [this.treeTitle, DATA.review ? el("label", {}, only, " changed only") : null], this.tree),
      pane("spec", [specTitle, this.specFile, this.specMode], this.specList),
      pane("out", [outTitle, this.outMode], this.outList),
      this.inspector);
  },

  modes(what, change) {
    const options = [["after", "after"], ["before", "before"], ["changes", "changes"]];
    return el("select", { "aria-label": `Revision of the ${what}`, onchange: (event) => change(event.target.value) },
      options.map(([value, text]) => el("option", { value, text })));
  },

  hover(list, act) {
    list.host.addEventListener("mousemove", (event) => {
      const row = event.target.closest(".row");
      if (!row || row.dataset.at === list.over) return;
      list.over = row.dataset.at;
      act(Number(row.dataset.at));
    });
  },

  /* Another environment: the same file where it has it. */
  enter() {
    const env = S.environment, files = opened(env).files;
    this.pinned = new Set(); this.shown = new Set();
    this.specFile.replaceChildren(...S.project.sources.map(([name], at) => el("option", { value: at, text: name })));
    this.specFile.hidden = S.project.sources.length < 2;
    this.specTitle.classList.toggle("unseen", !this.specFile.hidden);
    const was = this.out.file && files.get(this.out.file.path);
    const visible = [...files.values()].filter((file) => this.inTarget(file.path));
    const best = visible.find((file) => file.state !== "same" && file.runs.length) || visible.find((file) => file.runs.some((n, at) => at % 2 && n >= 0)) || visible[0] || null;
    this.openSpec(Math.min(this.spec.source, S.project.sources.length - 1));
    this.openFile(was && this.inTarget(was.path) ? was : best);
    this.fillTree();
    this.tell(null);
  },

  inTarget: (path) => !S.target || path.startsWith(`${S.target}/`),

  fillTree() {
    const root = { folders: new Map(), files: [] };
    let count = 0;
    for (const file of S.environment ? opened(S.environment).files.values() : []) {
      if (!this.inTarget(file.path) || (this.onlyChanged && file.state === "same")) continue;
      count += 1;
      const parts = file.path.split("/"), name = parts.pop();
      let here = root;
      for (const part of parts) {
        if (!here.folders.has(part)) here.folders.set(part, { folders: new Map(), files: [] });
        here = here.folders.get(part);
      }
      here.files.push([name, file]);
    }
    const decided = (node) => node.files.some(([, file]) => file.state !== "same" || file.runs.some((n, at) => at % 2 && n >= 0)) || [...node.folders.values()].some(decided);
    this.treeTitle.textContent = plural(count, "file");
    this.rows = [];
    const add = (node, level, path) => {
      for (const [name, file] of node.files) this.rows.push({ name, level, file });
      for (const [name, folder] of node.folders) {
        const key = `${path}${name}/`, isOpen = this.open.has(key) || (!this.open.has(`-${key}`) && (level < 2 || count < 200) && decided(folder));
        this.rows.push({ name: `${name}/`, level, key, isOpen });
        if (isOpen) add(folder, level + 1, key);
      }
    };
    add(root, 1, "");
    const at = this.rows.findIndex((row) => row.file && row.file === this.out.file);
    this.tree.set(this.rows.length, { keep: true, current: at, width: Math.max(0, ...this.rows.slice(0, 2000).map((row) => row.name.length + 2 * row.level)) });
  },

  drawTree(at, row) {
    const item = this.rows[at], marks = { added: "A", removed: "R", changed: "C" };
    row.setAttribute("aria-level", item.level);
    row.append(el("span", { text: `${"  ".repeat(item.level - 1)} ${item.file ? " " : item.isOpen ? "▾" : "▸"} ` }));
    if (item.file) {
      const { state } = item.file;
      if (item.file === this.out.file) row.classList.add("pin");
      if (marks[state]) row.append(el("span", { cls: `tag ${state === "removed" ? "grave" : state === "added" ? "none" : "some"}`, text: marks[state], title: state }), " ", el("span", { cls: "unseen", text: `${state} ` }));
    } else row.setAttribute("aria-expanded", item.isOpen);
    row.append(el("span", { text: seen(item.name) }));
  },

  pickTree(at) {
    const item = this.rows[at];
    if (item.file) { this.openFile(item.file); this.tree.redraw(); remember(); return; }
    this.fold(item, !item.isOpen, at);
  },

  fold(item, isOpen, at) {
    this.open[isOpen ? "add" : "delete"](item.key);
    this.open[isOpen ? "delete" : "add"](`-${item.key}`);
    this.fillTree();
    this.tree.go(at, { quiet: true });
  },

  treeKeys(event) {
    const item = this.rows[this.tree.current];
    if (!item || item.file || !["ArrowRight", "ArrowLeft"].includes(event.key)) return false;
    if (item.isOpen !== (event.key === "ArrowRight")) this.fold(item, !item.isOpen, this.tree.current);
    return true;
  },

  /* Rows of a file: [mark, number of the line before, number of the line after], from 0. */
  rowsOf(mode, head, base) {
    const after = linesOf(head), before = linesOf(base);
    if (mode === "before") return before.map((_, at) => [" ", at, -1]);
    if (mode === "changes" && base !== head) return lineDiff(before, after);
    return after.map((_, at) => [" ", at, at]);
  },

  load(side, head, base, mode, list, chooser) {
    const both = head >= 0 && base >= 0 && head !== base;
    chooser.hidden = !both;
    side.mode = both ? mode : head < 0 ? "before" : "after";
    if (both) chooser.value = side.mode;
    side.before = linesOf(base); side.after = linesOf(head);
    side.rows = this.rowsOf(side.mode, head, base);
    list.set(side.rows.length, { width: Math.max(40, ...sampled(side.after), ...sampled(side.before)) });
  },

  openSpec(source) {
    const [name, head, base] = S.project.sources[source];
    this.spec.source = source;
    this.specFile.value = source;
    this.specTitle.textContent = seen(name);
    this.load(this.spec, head, base, this.spec.mode, this.specList, this.specMode);
  },

  openFile(file) {
    this.out.file = file;
    this.outTitle.textContent = file ? seen(file.path) : "No output";
    if (!file) { this.outMode.hidden = true; this.out.rows = []; this.outList.set(0); return; }
    this.load(this.out, file.head, file.base, this.out.mode, this.outList, this.outMode);
  },

  drawLine(side, at, row) {
    const [mark, before, after] = side.rows[at];
    const text = mark === "-" || side.mode === "before" ? side.before[before] : side.after[after];
    const number = mark === "-" || side.mode === "before" ? before : after;
    const of = side === this.out ? this.originAt(at) : null;
    const linked = side === this.out ? (set) => of !== null && set.has(of) : (set) => after >= 0 && this.isAt(set, after + 1);
    const pinned = linked(this.pinned), shown = linked(this.shown);
    if (pinned) row.classList.add("pin"); else if (shown) row.classList.add("link");
    if (mark !== " ") row.classList.add(mark === "+" ? "added" : "removed");
    row.append(el("span", { cls: "no", text: number + 1 }), el("span", { cls: "mark", text: mark !== " " ? mark : pinned ? "●" : shown ? "▸" : " " }), ...coloured(text));
  },

  originAt(at) {
    const { file, rows } = this.out, after = rows[at] ? rows[at][2] : -1;
    if (!file || after < 0 || this.out.mode === "before") return null;
    const number = originsOf(file)[after];
    return number === undefined || number < 0 ? null : number;
  },

  isAt(set, line) {
    for (const number of set) {
      const { at } = S.environment.origins[number];
      if (at && at[0] === this.spec.source && at[1] === line) return true;
    }
    return false;
  },

  /* The line `at` of the output: by the pointer or the arrows, or chosen. */
  atOutput(at, chosen) {
    const number = this.originAt(at), set = new Set(number === null ? [] : [number]);
    if (chosen) { this.pinned = set; remember(); }
    this.shown = set;
    if (number !== null) {
      const origin = S.environment.origins[number];
      if (origin.at && (chosen || this.spec.source === origin.at[0])) {
        if (this.spec.source !== origin.at[0]) this.openSpec(origin.at[0]);
        this.show(this.spec, this.specList, origin.at[1] - 1);
      }
      this.tellOrigin(origin, at);
    } else this.tell(el("p", { text: `Line ${this.numberAt(this.out, at)}: nothing in the project decides it; it is always written so.` }));
    this.repaint();
  },

  numberAt: (side, at) => (side.rows[at] ? Math.max(...side.rows[at].slice(1)) + 1 : 0),

  atSpec(at, chosen) {
    const line = this.spec.rows[at] ? this.spec.rows[at][2] + 1 : 0;
    const set = line > 0 ? madeBy(S.environment, this.spec.source, line) : new Set();
    if (chosen) { this.pinned = set; remember(); }
    this.shown = set;
    const files = filesOf(S.environment, set);
    const here = files.find((one) => one.file === this.out.file) || (chosen ? files[0] : null);
    if (here && chosen) {
      if (here.file !== this.out.file) { this.openFile(here.file); this.fillTree(); }
      this.show(this.out, this.outList, here.first - 1);
    }
    this.tellFiles(line, files);
    this.repaint();
  },

  /* Bring a line of the revision after into view. */
  show(side, list, line) {
    if (side.mode === "before") { side.mode = "after"; if (side === this.out) this.openFile(this.out.file); else this.openSpec(this.spec.source); }
    list.go(side.rows.findIndex((row) => row[2] === line), { quiet: true, centre: true });
  },

  repaint() { this.specList.redraw(); this.outList.redraw(); },
  tell(...nodes) { this.inspector.replaceChildren(...nodes.filter(Boolean).length ? nodes.filter(Boolean) : [el("p", { cls: "soft", text: "Point at a line, or move to it with the arrow keys: here it says where the line comes from, or what it makes. Click or Enter goes there." })]); },

  tellOrigin(origin, at) {
    const path = spelled(S.project.paths[origin.path]), place = origin.at ? `${S.project.sources[origin.at[0]][0]}:${origin.at[1]}` : "";
    const parts = [el("p", {}, `Line ${this.numberAt(this.out, at)} comes from `, el("code", { text: seen(path) }), place ? " at " : "",
      place ? link(place, () => { this.openSpec(origin.at[0]); this.show(this.spec, this.specList, origin.at[1] - 1); this.specList.host.focus(); }) : "", `: ${howItCame(origin)}.`)];
    if (origin.node) parts.push(el("p", { cls: "soft", text: `The object is made for ${origin.node}.` }));
    if (origin.chain >= 0) {
      parts.push(el("p", { text: "What each layer says, the last one that sets it wins:" }), el("ul", { cls: "chain" }, S.project.chains[origin.chain].map(([name, says, spot, text, wins]) =>
        el("li", {}, wins ? el("strong", { text: `${name}: ` }) : `${name}: `, says === "removes" ? "removes it" : el("code", { text: short(seen(text), 160) }), spot ? ` (line ${spot[1]})` : "", wins ? " - this one" : ""))));
    }
    this.tell(...parts);
    say(`${path}, ${howItCame(origin)}${place ? `, ${place}` : ""}`);
  },

  tellFiles(line, files) {
    const count = files.reduce((sum, one) => sum + one.count, 0);
    const paths = ((opened(S.environment).spec.get(this.spec.source) || new Map()).get(line) || []).map((path) => spelled(S.project.paths[path]));
    const text = count ? `Line ${line} makes ${plural(count, "line")} in ${plural(files.length, "file")} of ${S.environment.name}:`
      : paths.length ? `Line ${line} makes no line of its own in ${S.environment.name}.` : `Line ${line} says nothing in ${S.environment.name}: it is empty, a comment, another environment's, or laid over.`;
    this.tell(el("p", {}, paths.length ? el("code", { text: seen(paths[0]) }) : "", paths.length ? " " : "", text),
      ...(count ? many(files, ({ file, count: lines, first }) => el("li", {}, link(`${file.path} (${lines})`, () => { this.openFile(file); this.fillTree(); this.show(this.out, this.outList, first - 1); this.outList.host.focus(); })), 30) : []));
    say(text);
  },

  /* Open a place of the project from another view. */
  goSpec([source, line]) {
    select("source");
    this.openSpec(source);
    this.show(this.spec, this.specList, line - 1);
    this.atSpec(this.specList.current, true);
    this.specList.host.focus();
  },

  goFile(path, line = 1, focus = true) {
    const file = opened(S.environment).files.get(path);
    if (!file) return;
    select("source");
    if (!this.inTarget(path)) chooseTarget("");
    this.openFile(file);
    this.fillTree();
    if (file.head >= 0) { this.show(this.out, this.outList, line - 1); this.atOutput(this.outList.current, true); }
    if (focus) this.outList.host.focus();
  },
};

/* Lengths of some of the lines: the longest of a huge file need not be known exactly. */
const sampled = (lines) => lines.slice(0, 5000).map((line) => Math.min(line.length, 2000));

/* A line of YAML or JSON with its key, texts and comment apart. */
function coloured(line) {
  let text = line.length > 2000 ? `${line.slice(0, 2000)}… (+${line.length - 2000})` : line;
  text = seen(text);
  const comment = /(^|\s)#.*$/.exec(text), key = /^(\s*(?:- )*)("?[\w./$-]+"?)(:)(?=\s|$)/.exec(text);
  if (comment && (!comment.index || !/["']/.test(text.slice(0, comment.index)))) {
    return [...(comment.index ? coloured(text.slice(0, comment.index)) : []), el("span", { cls: "comment", text: comment[0] })];
  }
  if (!key) return [el("span", { text })];
  const rest = text.slice(key[0].length), isText = /^\s*["']/.test(rest);
  return [key[1], el("span", { cls: "key", text: key[2] }), ":", isText ? el("span", { cls: "string", text: rest }) : rest];
}
