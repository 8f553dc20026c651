/* What the page was given, and where each line comes from. */
const DATA = JSON.parse($("data").textContent);
const split = DATA.texts.map(() => null);
const S = { project: DATA.projects[0], environment: null, target: "" };

/* The lines of a text by its number; none for a file that is not there. */
function linesOf(number) {
  if (number < 0) return [];
  if (!split[number]) {
    const text = DATA.texts[number];
    split[number] = (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
  }
  return split[number];
}

const spelled = (pointer) => pointer.split("/").reduce((text, raw) => {
  const part = raw.replace(/~1/g, "/").replace(/~0/g, "~");
  return /^\d+$/.test(part) ? `${text}[${part}]` : text ? `${text}.${part}` : part;
}, "");
const isBelow = (pointer, above) => pointer === above || pointer.startsWith(`${above}/`);

/* An environment's files by path, the origin of each of their lines, and what stands on each line of the project. */
function opened(environment) {
  if (environment.open) return environment.open;
  const files = new Map(), spec = new Map();
  for (const [path, head, base, runs] of environment.files) {
    files.set(path, { path, head, base, runs, state: head < 0 ? "removed" : base < 0 ? "added" : base === head ? "same" : "changed" });
  }
  for (const [source, pairs] of environment.spec) {
    const lines = new Map();
    for (let at = 0; at < pairs.length; at += 2) {
      if (!lines.has(pairs[at])) lines.set(pairs[at], []);
      lines.get(pairs[at]).push(pairs[at + 1]);
    }
    spec.set(source, lines);
  }
  environment.open = { files, spec };
  return environment.open;
}

/* The number of the origin of each line of a file, the first line's at 0. */
function originsOf(file) {
  if (!file.origins) {
    file.origins = [];
    for (let at = 0; at < file.runs.length; at += 2) {
      for (let count = 0; count < file.runs[at]; count += 1) file.origins.push(file.runs[at + 1]);
    }
  }
  return file.origins;
}

/* The last line of what is written below a line: all that is farther to the right, and a list's entries. */
function blockEnd(lines, line) {
  const indent = (text) => text.length - text.trimStart().length, first = lines[line - 1] || "", from = indent(first);
  let end = line;
  for (let at = line; at < lines.length; at += 1) {
    const text = lines[at], deep = indent(text);
    if (!text.trim() || text.trimStart().startsWith("#")) continue;
    if (deep > from || (deep === from && text.trimStart().startsWith("- ") && !first.trimStart().startsWith("- "))) end = at + 1;
    else break;
  }
  return end;
}

/* The origins that a line of the project makes: of what is written there and below, and of all that belongs to it. */
function madeBy(environment, source, line) {
  const found = new Set(), paths = (opened(environment).spec.get(source) || new Map()).get(line) || [];
  const above = paths.map((path) => S.project.paths[path]);
  const last = blockEnd(linesOf(S.project.sources[source][1]), line);
  environment.origins.forEach((origin, number) => {
    const here = origin.at && origin.at[0] === source && origin.at[1] >= line && origin.at[1] <= last;
    if (here || above.some((path) => isBelow(S.project.paths[origin.path], path))) found.add(number);
  });
  return found;
}

/* Files with the count and the first of the lines that have one of the origins. */
function filesOf(environment, origins) {
  const found = [];
  if (!origins.size) return found;
  for (const file of opened(environment).files.values()) {
    let count = 0, first = 0, line = 1;
    for (let at = 0; at < file.runs.length; at += 2) {
      if (origins.has(file.runs[at + 1])) { count += file.runs[at]; first = first || line; }
      line += file.runs[at];
    }
    if (count) found.push({ file, count, first });
  }
  return found;
}

function howItCame(origin) {
  const written = origin.layer && origin.layer !== "the file" ? `set by ${origin.layer}` : "written in the project file";
  let text = { spec: written, overlay: written, default: "a default, written nowhere" }[origin.kind] || `derived by ${origin.by || "the compiler"}`;
  if (origin.patch) text += `, changed by the patch ${origin.patch}`;
  if (origin.near) text += "; found by its value, below what the object is made for";
  return text;
}
