/* The step graph: each node in the column after all that it needs, rows in the order of what they need. */
const BOX = { width: 200, height: 58, gapX: 56, gapY: 18, pad: 16 };

function laidOut(nodes) {
  const by = new Map(nodes.map((node) => [node.id, node])), column = new Map();
  const depth = (node, seenBefore) => {
    if (column.has(node.id)) return column.get(node.id);
    if (seenBefore.has(node.id)) return 0;
    const before = node.needs.filter((id) => by.has(id)).map((id) => depth(by.get(id), new Set(seenBefore).add(node.id)));
    const found = before.length ? Math.max(...before) + 1 : 0;
    column.set(node.id, found);
    return found;
  };
  nodes.forEach((node) => depth(node, new Set()));
  const columns = [], row = new Map();
  nodes.forEach((node) => { (columns[column.get(node.id)] ??= []).push(node); });
  columns.forEach((list) => {
    const middle = (node) => {
      const rows = node.needs.filter((id) => row.has(id)).map((id) => row.get(id));
      return rows.length ? rows.reduce((a, b) => a + b, 0) / rows.length : 0;
    };
    list.map((node) => [middle(node), node]).sort((a, b) => a[0] - b[0]).forEach(([, node], at) => { row.set(node.id, at); });
  });
  const spot = new Map(nodes.map((node) => [node.id, {
    x: BOX.pad + column.get(node.id) * (BOX.width + BOX.gapX), y: BOX.pad + row.get(node.id) * (BOX.height + BOX.gapY) }]));
  return { spot, width: BOX.pad * 2 + columns.length * (BOX.width + BOX.gapX) - BOX.gapX,
    height: BOX.pad * 2 + Math.max(1, ...columns.map((list) => list.length)) * (BOX.height + BOX.gapY) - BOX.gapY };
}

const short = (text, count) => (text.length > count ? `${text.slice(0, count - 1)}…` : text);

function drawing(nodes, go) {
  const { spot, width, height } = laidOut(nodes);
  const picture = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Step graph of ${plural(nodes.length, "node")}; the list below says the same` },
    svg("defs", {}, svg("marker", { id: "tip", viewBox: "0 0 8 8", refX: 8, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" }, svg("path", { cls: "tip", d: "M0 0 L8 4 L0 8 z" }))));
  for (const node of nodes) {
    for (const id of node.needs.filter((need) => spot.has(need))) {
      const from = spot.get(id), to = spot.get(node.id), x = from.x + BOX.width, y = from.y + BOX.height / 2, end = to.y + BOX.height / 2;
      const bend = Math.max(24, (to.x - x) / 2);
      picture.append(svg("path", { cls: "edge", "marker-end": "url(#tip)", d: `M${x} ${y} C${x + bend} ${y} ${to.x - bend} ${end} ${to.x} ${end}` }));
    }
  }
  for (const node of nodes) {
    const { x, y } = spot.get(node.id), state = node.state === "same" ? "" : node.state;
    const text = (dy, words, cls = "") => { const made = svg("text", { x: x + 10, y: y + dy, cls }); made.textContent = words; return made; };
    const title = svg("title"); title.textContent = `${node.kind} ${node.label}${node.details.length ? `: ${node.details.join(", ")}` : ""}${state ? ` (${state})` : ""}`;
    const made = svg("g", { cls: "node" }, title, svg("rect", { x, y, width: BOX.width, height: BOX.height, rx: node.kind === "data" ? 26 : 6, cls: `box ${state}` }),
      text(18, short(seen(node.label), 24)), text(34, short([node.kind, ...node.details].map(seen).join(", "), 30), "soft"), ...(state ? [text(49, state, "state")] : []));
    made.addEventListener("click", () => go(node));
    picture.append(made);
  }
  return el("div", { cls: "drawing", tabindex: 0, role: "region", "aria-label": "Drawing of the step graph" }, picture);
}

function graphView() {
  const env = S.environment;
  if (!env || !env.graph) return el("div", { cls: "pad" }, el("p", { text: env ? `${env.name} does not compile to anything here, so there is no graph of it.` : "There is no environment." }));
  const { nodes } = env.graph, names = new Map(nodes.map((node) => [node.id, node.label]));
  const place = (node) => {
    for (const [source, lines] of opened(env).spec) {
      for (const [line, paths] of lines) if (paths.some((path) => spelled(S.project.paths[path]) === node.id)) return [source, line];
    }
    return null;
  };
  const go = (node) => { const found = place(node); if (found) Source.goSpec(found); };
  return el("div", { cls: "pad" }, el("h2", { text: `Graph of ${env.name}` }),
    nodes.length > 400 ? el("p", { text: "The graph is too large to draw; the list says the same." }) : drawing(nodes, go),
    el("h3", { text: "The same as a list" }),
    ...many(nodes, (node) => el("li", {}, place(node) ? link(seen(node.label), () => go(node)) : seen(node.label), ` ${[node.kind, ...node.details].map(seen).join(", ")}`,
      node.needs.length ? `; after ${node.needs.map((id) => seen(names.get(id) || id)).join(", ")}` : "", node.state === "same" ? "" : " ", node.state === "same" ? "" : tag(node.state, node.state === "removed" ? "grave" : "some"))));
}
