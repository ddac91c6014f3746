// Completes a search while it is typed, and says at once where it is wrong. Arrows choose, Enter or Tab takes, Escape closes.

const WAIT = 60;

const answers = new Map();

const ask = async (address, query, at) => {
  const url = new URL(address, location.href);
  url.searchParams.set("query", query);
  url.searchParams.set("at", at);
  if (!answers.has(url.href)) {
    const answer = await fetch(url, { headers: { "Accept-Language": document.documentElement.lang } });
    if (!answer.ok) return null;
    answers.set(url.href, await answer.json());
    if (answers.size > 200) answers.delete(answers.keys().next().value);
  }
  return answers.get(url.href);
};

// The server counts characters, the browser units of UTF-16.
const units = (text, characters) => [...text].slice(0, characters).join("").length;
const characters = (text, units) => [...text.slice(0, units)].length;

const dress = (input) => {
  const list = document.createElement("ul");
  list.id = `${input.id}-list`;
  list.className = "suggestions";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", input.labels[0]?.textContent ?? "");
  list.hidden = true;
  const said = document.createElement("p");
  said.className = "said";
  said.hidden = true;
  said.setAttribute("aria-live", "polite");
  input.after(list, said);
  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id })) {
    input.setAttribute(name, value);
  }
  let [found, chosen, timer] = [null, -1, 0];

  const close = () => {
    list.hidden = true;
    chosen = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };

  const choose = (nth) => {
    const options = [...list.children];
    chosen = (nth + options.length) % options.length;
    options.forEach((option, at) => option.setAttribute("aria-selected", at === chosen));
    options[chosen].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", options[chosen].id);
  };

  const take = (text) => {
    const [from, to] = [units(input.value, found.from), units(input.value, found.to)];
    const isKey = text.endsWith(":");
    const after = input.value.slice(to);
    input.value = input.value.slice(0, from) + text + (isKey || after.startsWith(" ") ? "" : " ") + after;
    const at = from + text.length + (isKey ? 0 : 1);
    input.setSelectionRange(at, at);
    close();
    suggest();
  };

  const suggest = async () => {
    const { value, selectionStart } = input;
    const answer = await ask(input.dataset.suggest, value, characters(value, selectionStart)).catch(() => null);
    if (!answer || input.value !== value || document.activeElement !== input) return;
    found = answer;
    list.replaceChildren(...answer.suggestions.map((text, nth) => {
      const option = document.createElement("li");
      option.id = `${list.id}-${nth}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.textContent = text;
      // Before the field loses the focus.
      option.addEventListener("mousedown", (event) => (event.preventDefault(), take(text)));
      return option;
    }));
    chosen = -1;
    input.removeAttribute("aria-activedescendant");
    const word = value.slice(units(value, answer.from), units(value, answer.to));
    const isOpen = answer.suggestions.length > 0 && !(answer.suggestions.length === 1 && answer.suggestions[0] === word);
    list.hidden = !isOpen;
    input.setAttribute("aria-expanded", isOpen);
    // What is unfinished is wrong only until it is finished.
    const problem = answer.problem;
    const isUnfinished = problem && problem.to >= [...value].length;
    said.hidden = !problem || isUnfinished;
    said.textContent = problem ? problem.text : "";
    input.classList.toggle("is-wrong", Boolean(problem) && !isUnfinished);
  };

  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(suggest, WAIT);
  };
  input.addEventListener("input", soon);
  input.addEventListener("click", soon);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (list.hidden) {
      if (event.key === "ArrowDown") (event.preventDefault(), suggest());
      return;
    }
    if (event.key === "ArrowDown") choose(chosen + 1);
    else if (event.key === "ArrowUp") choose(chosen < 0 ? -1 : chosen - 1);
    else if (event.key === "Escape") (event.stopPropagation(), close());
    else if ((event.key === "Enter" && chosen >= 0) || event.key === "Tab") take(found.suggestions[Math.max(chosen, 0)]);
    else return;
    event.preventDefault();
  });
  // Where the query was found wrong, the cursor goes to the spot.
  if (input.dataset.from) {
    input.focus({ preventScroll: true });
    input.setSelectionRange(Number(input.dataset.from), Number(input.dataset.to));
  }
};

document.addEventListener("shown", ({ detail: root }) => root.querySelectorAll("input[data-suggest]").forEach(dress));
