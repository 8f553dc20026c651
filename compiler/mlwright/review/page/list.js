/* A list of any length: only the rows that can be seen are elements. The current row is the list's active descendant,
   so that a screen reader and the arrow keys know it while the list itself has the focus. */
let lists = 0;

class List {
  constructor({ label, role = "listbox", row = "option", tall = false, draw, move, pick, keys }) {
    Object.assign(this, { row, tall, draw, move, pick, keys, count: 0, current: -1, drawn: new Map() });
    this.id = `list${(lists += 1)}`;
    this.sizer = el("div", { cls: "sizer", role: "presentation" });
    this.host = el("div", { cls: "list code", role, tabindex: 0, "aria-label": label }, this.sizer);
    this.host.addEventListener("scroll", () => this.later());
    this.host.addEventListener("keydown", (event) => this.key(event));
    this.host.addEventListener("click", (event) => this.clicked(event));
    new ResizeObserver(() => this.later()).observe(this.host);
  }

  get step() {
    return (this.tall ? 1.75 : 1.3125) * parseFloat(getComputedStyle(document.documentElement).fontSize);
  }

  set(count, { width = 0, current = -1, keep = false } = {}) {
    this.count = count;
    this.current = Math.min(current, count - 1);
    this.sizer.style.height = `${count * this.step}px`;
    this.sizer.style.width = width ? `calc(${Math.min(width, 2100)}ch + 6rem)` : "";
    if (!keep) this.host.scrollTo(0, 0);
    this.redraw();
  }

  redraw() {
    for (const made of this.drawn.values()) made.remove();
    this.drawn.clear();
    this.paint();
  }

  later() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.paint(); });
  }

  paint() {
    const step = this.step, from = Math.max(0, Math.floor(this.host.scrollTop / step) - 8);
    const to = Math.min(this.count, from + Math.ceil((this.host.clientHeight || 400) / step) + 16);
    for (const [at, made] of this.drawn) {
      if ((at < from || at >= to) && at !== this.current) { made.remove(); this.drawn.delete(at); }
    }
    for (let at = from; at < to; at += 1) this.one(at, step);
    if (this.current >= 0) {
      this.one(this.current, step);
      this.host.setAttribute("aria-activedescendant", `${this.id}-${this.current}`);
    } else this.host.removeAttribute("aria-activedescendant");
  }

  one(at, step) {
    if (this.drawn.has(at)) return;
    const made = el("div", {
      cls: `row${this.tall ? " tall" : ""}`, role: this.row, id: `${this.id}-${at}`,
      "aria-setsize": this.count, "aria-posinset": at + 1, "aria-selected": at === this.current,
    });
    made.style.top = `${at * step}px`;
    made.dataset.at = at;
    if (at === this.current) made.classList.add("current");
    this.draw(at, made);
    this.drawn.set(at, made);
    this.sizer.append(made);
  }

  go(at, { quiet = false, centre = false } = {}) {
    if (!this.count) return;
    this.current = Math.max(0, Math.min(at, this.count - 1));
    const step = this.step, top = this.current * step, height = this.host.clientHeight;
    const { scrollTop } = this.host;
    if (centre && (top < scrollTop + step || top > scrollTop + height - 2 * step)) this.host.scrollTop = top - height / 3;
    else if (top < scrollTop) this.host.scrollTop = top;
    else if (top + 2 * step > scrollTop + height) this.host.scrollTop = top + 2 * step - height;
    this.redraw();
    if (!quiet && this.move) this.move(this.current);
  }

  clicked(event) {
    const row = event.target.closest(".row");
    if (!row) return;
    this.host.focus({ preventScroll: true });
    this.go(Number(row.dataset.at), { quiet: true });
    if (this.pick) this.pick(this.current, true);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.keys && this.keys(event)) { event.preventDefault(); return; }
    const page = Math.max(1, Math.floor(this.host.clientHeight / this.step) - 2);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in steps) this.go(Math.max(0, Math.min(this.count - 1, this.current + steps[event.key])));
    else if ((event.key === "Enter" || event.key === " ") && this.pick && this.current >= 0) this.pick(this.current, false);
    else return;
    event.preventDefault();
  }
}
