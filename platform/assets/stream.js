// The list of issues, for whoever has JavaScript: it is gone through by keys, picks several at once, and lets new issues in
// without losing anybody's place. The search is completed while it is typed (`search.js`).

const LOOK_EVERY = 5_000;

const list = () => document.getElementById("rows");
const lines = () => [...(list()?.children ?? [])];
const box = (line) => line.querySelector("input[name=id]");
const picked = () => lines().filter((line) => box(line).checked);

// The line that keys are about: it stays the same one when lines come and go.
let current = null;
let nth = -1;

const line = () => lines().find((one) => one.dataset.id === current);

const select = (next) => {
  if (!next) return;
  for (const one of lines()) one.classList.toggle("is-current", one === next);
  current = next.dataset.id;
  nth = lines().indexOf(next);
  next.querySelector("h2 a").focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
};

const step = (by) => {
  const all = lines();
  const at = line() ? all.indexOf(line()) + by : by > 0 ? Math.max(nth, 0) : nth - 1;
  select(all[Math.min(Math.max(at, 0), all.length - 1)]);
};

const pick = (one, on) => {
  box(one).checked = on;
  box(one).dispatchEvent(new Event("change", { bubbles: true }));
};

// What a key does is done to the line that is read, unless others are picked.
addEventListener("keydown", (event) => {
  if (!list() || event.metaKey || event.ctrlKey || event.altKey || event.target.closest?.("input:not([type=checkbox]), textarea, select")) return;
  if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else if (event.key === "x" && line()) pick(line(), !box(line()).checked);
  else if (["r", "i", "a"].includes(event.key) && line() && picked().length === 0) return pick(line(), true);
  else return;
  event.preventDefault();
}, true);

let last = null;

document.addEventListener("click", (event) => {
  const one = event.target.closest?.("#rows input[name=id]");
  if (!one) return;
  // With the shift key, all between two.
  const all = lines().map(box);
  if (event.shiftKey && last && all.includes(last)) {
    const [from, to] = [all.indexOf(last), all.indexOf(one)].sort((a, b) => a - b);
    for (const between of all.slice(from, to + 1)) between.checked = one.checked;
  }
  last = one;
});

const count = () => {
  const form = document.getElementById("bulk");
  if (!form) return;
  const many = picked().length;
  form.classList.toggle("has-picked", many > 0);
  form.querySelectorAll(".bulk .button, .bulk select").forEach((one) => one.toggleAttribute("disabled", many === 0 && one.matches("button, select")));
  const page = document.getElementById("page");
  page.checked = many > 0 && many === lines().length;
  page.indeterminate = many > 0 && !page.checked;
  for (const one of lines()) one.classList.toggle("is-picked", box(one).checked);
};

document.addEventListener("change", ({ target }) => {
  if (target.id === "page") for (const one of lines()) box(one).checked = target.checked;
  if (target.closest?.("#bulk")) count();
});

// New events: counts and times of the lines that are there change where they stand; issues that are new or have moved up wait
// until somebody asks for them.
let timer = 0;
let fresh = null;

const parts = ["graph", "count", "users", "when", "who"];

const take = (next) => {
  const known = new Map(lines().map((one) => [one.dataset.id, one]));
  let news = 0;
  for (const one of next.children) {
    const old = known.get(one.dataset.id);
    if (!old) {
      news += 1;
      continue;
    }
    for (const part of parts) {
      const [was, is] = [old, one].map((side) => side.querySelector(`[data-part=${part}]`));
      if (was.innerHTML !== is.innerHTML) {
        if (part === "count" && was.title !== is.title) was.classList.add("is-changed");
        was.replaceChildren(...is.childNodes);
        was.title = is.title;
      }
    }
  }
  return news;
};

const look = async () => {
  const form = document.getElementById("bulk");
  const address = form?.dataset.live;
  if (!address || document.hidden) return;
  const answer = await fetch(address).catch(() => null);
  if (!answer?.ok || answer.redirected || form !== document.getElementById("bulk")) return;
  const text = await answer.text();
  const read = () => {
    const next = new DOMParser().parseFromString(`<ol>${text}</ol>`, "text/html").querySelector("ol");
    document.dispatchEvent(new CustomEvent("shown", { detail: next }));
    return next;
  };
  const news = take(read());
  fresh = news > 0 ? read : null;
  const note = form.querySelector(".fresh");
  note.hidden = news === 0;
  const button = note.querySelector("button");
  button.textContent = button.dataset.text.replace("{n}", news);
};

const letIn = () => {
  const next = fresh?.();
  if (!next) return;
  const checked = new Set(picked().map((one) => one.dataset.id));
  const anchor = lines().find((one) => one.getBoundingClientRect().bottom > 0);
  const top = anchor?.getBoundingClientRect().top ?? 0;
  const atTop = scrollY < 40;
  // Lines that are here and not among the first ones any more stay, so that nothing disappears under anybody's eyes.
  const first = new Set([...next.children].map((one) => one.dataset.id));
  const rest = lines().filter((one) => !first.has(one.dataset.id));
  const before = new Set(lines().map((one) => one.dataset.id));
  list().replaceChildren(...next.children, ...rest);
  for (const one of lines()) {
    if (!before.has(one.dataset.id)) one.classList.add("is-fresh");
    if (checked.has(one.dataset.id)) box(one).checked = true;
  }
  document.querySelector("#bulk .fresh").hidden = true;
  document.querySelector("#bulk input[name=shown]").value = lines().map((one) => one.dataset.id).join(" ");
  fresh = null;
  const same = anchor && lines().find((one) => one.dataset.id === anchor.dataset.id);
  if (same && !atTop) scrollBy(0, same.getBoundingClientRect().top - top);
  if (line()) line().classList.add("is-current");
  count();
};

document.addEventListener("click", ({ target }) => target.closest?.(".fresh button") && letIn());

document.addEventListener("shown", ({ detail: root }) => {
  if (root !== document && root.id !== "main") return;
  count();
  clearInterval(timer);
  fresh = null;
  if (document.getElementById("bulk")?.dataset.live) timer = setInterval(look, LOOK_EVERY);
  // After something was done to it, the line is gone: the one in its place is next.
  if (current && root !== document && document.activeElement === document.body) select(line() ?? lines()[Math.min(nth, lines().length - 1)]);
});
