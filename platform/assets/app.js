// Everything works without this file. It shows exact times in the time zone that the reader chose or is in, copies what is to be copied, notices
// what has changed meanwhile, answers to keys, and takes links and forms that say `data-go` along without leaving the page.
// What a page needs besides listens to the event `shown`, which tells that there is a new page to be dressed.

const shown = (root) => document.dispatchEvent(new CustomEvent("shown", { detail: root }));

document.addEventListener("shown", ({ detail: root }) => {
  for (const time of root.querySelectorAll("time[datetime]")) {
    time.title = new Date(time.dateTime).toLocaleString(document.documentElement.lang, {
      dateStyle: "medium", timeStyle: "long", timeZone: document.documentElement.dataset.timezone,
    });
  }
  for (const scripted of root.querySelectorAll("[data-scripted]")) scripted.hidden = false;
  for (const unscripted of root.querySelectorAll("[data-unscripted]")) unscripted.hidden = true;
  if (navigator.clipboard) root.querySelectorAll("button[data-copy], button[data-copy-from]").forEach(copies);
  // Where a list of pages is wider than a phone, the one that is open comes into view.
  for (const current of root.querySelectorAll(".side [aria-current]")) {
    current.parentElement.scrollLeft = current.offsetLeft - current.parentElement.offsetLeft;
  }
  root.querySelectorAll("[data-poll]").forEach(poll);
});

const copies = (button) => {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const { copy, copyFrom, copied } = button.dataset;
    const source = copy && document.getElementById(copy);
    const text = source ? (source.value ?? source.textContent) : await (await fetch(copyFrom)).text();
    await navigator.clipboard.writeText(text);
    button.textContent = copied;
  });
};

// Asks for a part of the page again until it no longer says that it waits.
const POLL_EVERY = 3_000;

const poll = (part) => {
  part.querySelectorAll("[data-polled]").forEach((one) => (one.hidden = false));
  part.querySelectorAll("[data-unpolled]").forEach((one) => (one.hidden = true));
  setTimeout(async () => {
    if (document.hidden) return poll(part);
    const answer = await fetch(part.dataset.poll).catch(() => null);
    if (!answer?.ok || answer.redirected) return poll(part);
    const next = new DOMParser().parseFromString(await answer.text(), "text/html").body.firstElementChild;
    if (!next || next.dataset.poll) return poll(part);
    part.replaceWith(next);
  }, POLL_EVERY);
};

// Going on: the next page takes the place of this one, with its address. When anything is unusual, the browser goes itself.
let going = 0;

const go = async (url, { form, push = true, keep = false } = {}) => {
  const mine = ++going;
  document.documentElement.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(url, form && { method: "POST", body: form });
    if (mine !== going) return;
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    const main = next.getElementById("main");
    if (!answer.ok || !main) throw new Error(`${answer.status}`);
    if (push) history[answer.url === location.href || form ? "replaceState" : "pushState"]({}, "", answer.url);
    document.title = next.title;
    document.getElementById("main").replaceWith(main);
    if (!keep) scrollTo(0, 0);
    shown(main);
  } catch {
    if (mine !== going) return;
    if (form) location.reload();
    else location.assign(url);
  } finally {
    if (mine === going) document.documentElement.removeAttribute("aria-busy");
  }
};

const isPlain = (event) => !event.defaultPrevented && event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-go]");
  if (link && isPlain(event)) {
    event.preventDefault();
    go(link.href);
  }
  const sure = event.target.closest?.("[data-confirm]");
  if (sure && !confirm(sure.dataset.confirm)) event.preventDefault();
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !("go" in form.dataset)) return;
  event.preventDefault();
  const data = new FormData(form, event.submitter);
  const body = new URLSearchParams(data);
  if (form.method === "post") return go(form.action, { form: body, keep: true });
  const url = new URL(form.action);
  url.search = body;
  go(url.href);
});

addEventListener("popstate", () => go(location.href, { push: false, keep: true }));

// A choice that says what it does is enough.
document.addEventListener("change", ({ target }) => {
  if (!target.dataset?.submit) return;
  const button = target.form.querySelector(`button[value="${target.dataset.submit}"]`);
  if (button) target.form.requestSubmit(button);
  else target.form.requestSubmit();
});

// Menus close as people expect.
const closeMenus = (but) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(but)) menu.open = false;
};
document.addEventListener("click", ({ target }) => closeMenus(target));
document.addEventListener("focusin", ({ target }) => closeMenus(target));

// Keys: whatever has one is clicked, or entered.
const isTyping = (target) => target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    closeMenus(null);
    if (isTyping(event.target)) event.target.blur();
    return;
  }
  if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey || isTyping(event.target)) return;
  const keyed = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!keyed) return;
  event.preventDefault();
  if (keyed.matches("input, select, textarea")) {
    keyed.focus();
    keyed.select?.();
    if (keyed.matches("select")) keyed.showPicker?.();
  } else keyed.click();
});

addEventListener("DOMContentLoaded", () => shown(document));
