// Everything works without this file. It shows exact times in the time zone that the reader chose or is in, copies what is to be copied, and
// notices what has changed meanwhile.

for (const time of document.querySelectorAll("time[datetime]")) {
  time.title = new Date(time.dateTime).toLocaleString(document.documentElement.lang, {
    dateStyle: "medium", timeStyle: "long", timeZone: document.documentElement.dataset.timezone,
  });
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const copied = document.getElementById(button.dataset.copy);
    await navigator.clipboard.writeText(copied.value ?? copied.textContent);
    button.textContent = button.dataset.copied;
  });
}

// Where a list of pages is wider than a phone, the one that is open comes into view.
for (const current of document.querySelectorAll(".side [aria-current]")) {
  current.parentElement.scrollLeft = current.offsetLeft - current.parentElement.offsetLeft;
}

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

document.querySelectorAll("[data-poll]").forEach(poll);
