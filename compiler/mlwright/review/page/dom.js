/* Elements. Whatever is shown goes in as text, never as HTML. */
const $ = (id) => document.getElementById(id);

function el(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    const isAria = name.startsWith("aria-");
    if (value === undefined || value === null || (value === false && !isAria)) continue;
    if (name === "text") made.textContent = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name === "cls" ? "class" : name, value === true && !isAria ? "" : String(value));
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

function svg(tag, props = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(props)) made.setAttribute(name === "cls" ? "class" : name, String(value));
  made.append(...children.flat());
  return made;
}

const link = (text, action) => el("button", { type: "button", cls: "plain", text, onclick: action });
const tag = (text, cls = "") => el("span", { cls: `tag ${cls}`, text });
const say = (text) => { $("status").textContent = text; };

/* Characters that nobody sees or that turn others around, as escapes. */
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff0-\ufffb]/g;
const seen = (text) => text.replace(UNSEEN, (c) => `\\u${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`);
const plural = (count, what) => `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;

/* A list of any length of which the first are shown, and the others when asked for. */
function many(items, make, first = 200) {
  const list = el("ul", {}, items.slice(0, first).map(make));
  if (items.length <= first) return [list];
  const more = el("button", { type: "button", text: `Show ${plural(items.length - first, "more line")}` });
  more.addEventListener("click", () => { list.append(...items.slice(first).map(make)); more.remove(); });
  return [list, more];
}
