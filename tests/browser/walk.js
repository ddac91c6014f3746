// Signs in and walks: each step opens a page, does one thing on it, or looks whether something is there. What a person would
// name is named: labels, buttons, texts. Every page that a step shows is looked at for whoever cannot see it as most do, and
// for whether it fits the window; a picture of it is kept.

const { run } = require("./browser.js");
const { show } = require("./look.js");

const steps = {
  open: async (page, { url }, address) => page.goto(new URL(address, url).href),
  fill: async (page, _, [label, text]) => page.getByLabel(label, { exact: true }).first().fill(text),
  // Of several of the same name, the last.
  last: async (page, _, [label, text]) => page.getByLabel(label, { exact: true }).last().fill(text),
  check: async (page, _, label) => page.getByLabel(label, { exact: true }).check(),
  uncheck: async (page, _, label) => page.getByLabel(label, { exact: true }).uncheck(),
  choose: async (page, _, [label, option]) => page.getByLabel(label, { exact: true }).first().selectOption(option),
  press: async (page, _, name) => page.getByRole("button", { name, exact: true }).first().click(),
  follow: async (page, _, name) => page.getByRole("link", { name }).first().click(),
  see: async (page, _, text) => page.getByText(text).filter({ visible: true }).first().waitFor(),
  // By the keyboard.
  key: async (page, _, key) => page.keyboard.press(key),
  type: async (page, _, [label, text]) => {
    const field = page.getByLabel(label, { exact: true }).first();
    await field.fill("");
    await field.pressSequentially(text);
  },
  back: async (page) => page.goBack(),
  // Opens a menu, by what it says.
  unfold: async (page, _, name) => page.locator("summary", { hasText: name }).or(page.locator(`summary[aria-label="${name}"]`)).first().click(),
  gone: async (page, _, text) => page.getByText(text).filter({ visible: true }).first().waitFor({ state: "detached" }),
  at: async (page, _, part) => page.waitForURL((address) => address.href.includes(part)),
  marked: async (page, _, text) => page.locator("mark", { hasText: text }).first().waitFor(),
  option: async (page, _, name) => page.getByRole("option", { name, exact: true }).waitFor(),
  selected: async (page, _, text) => page.waitForFunction((text) => {
    const { value, selectionStart, selectionEnd } = document.activeElement;
    return value?.slice(selectionStart, selectionEnd) === text;
  }, text),
  focused: async (page, _, label) => page.waitForFunction((label) => document.activeElement.labels?.[0]?.textContent === label, label),
  // The line that keys are about, those that are picked, and what a line counts.
  current: async (page, _, text) => page.locator("#rows .is-current", { hasText: text }).waitFor(),
  picked: async (page, _, many) => page.waitForFunction((many) => document.querySelectorAll("#rows input:checked").length === many, many),
  counts: async (page, _, [text, number]) =>
    page.locator("#rows > li", { hasText: text }).locator("[data-part=count]", { hasText: number }).waitFor(),
  // What a list of choices says now.
  chosen: async (page, _, [label, text]) => page.waitForFunction(([label, text]) =>
    [...document.querySelectorAll("select")].some((one) => one.ariaLabel === label && one.selectedOptions[0]?.textContent === text), [label, text]),
  // Nothing that was sent does anything.
  inert: async (page) => {
    const harm = await page.evaluate(() => {
      const all = [...document.querySelectorAll("*")];
      const acts = all.filter((one) => [...one.attributes].some(({ name }) => name.startsWith("on") || name === "style"));
      const links = all.filter((one) => ["href", "src", "action", "formaction"].some((name) => one.hasAttribute(name) && !/^(https?:|\/|\?|#)/.test(one.getAttribute(name))));
      const scripts = [...document.scripts].filter(({ src }) => !new URL(src || "x:").pathname.startsWith("/_static/"));
      return { harmed: window.harmed, acts: acts.length, links: links.map((one) => one.outerHTML.slice(0, 200)), scripts: scripts.length };
    });
    if (harm.harmed || harm.acts || harm.links.length || harm.scripts) throw new Error(JSON.stringify(harm));
  },
  // The lines of a table, and one of them.
  lines: async (page, _, many) => page.waitForFunction((many) => document.querySelectorAll(".events-list tbody tr").length === many, many),
  line: async (page, _, nth) => page.locator(".events-list tbody tr a").nth(nth - 1).click(),
  boxes: async (page, _, many) => page.waitForFunction((many) => document.querySelectorAll("input[name=id]").length === many, many),
  box: async (page, _, nth) => page.locator("input[name=id]").nth(nth - 1).check(),
  begin: async (page, _, text) => page.locator("button", { hasText: text }).first().click(),
  // An application reports: what the page waits for.
  report: async (page, _, { store, key }) => {
    const headers = { "X-Sentry-Auth": `Sentry sentry_version=7, sentry_key=${key}` };
    const answer = await fetch(store, { method: "POST", headers, body: JSON.stringify({ message: "hello" }) });
    if (!answer.ok) throw new Error(`the event was answered ${answer.status}`);
  },
};

run(async (page, input) => {
  const { url, email, password } = input;
  const wrong = [];
  page.on("request", (request) => {
    const { protocol, host } = new URL(request.url());
    if (protocol.startsWith("http") && host !== new URL(url).host) wrong.push(`another host is asked: ${request.url()}`);
  });
  // What is shown to a person may run and load what we serve, and nothing else.
  page.on("response", (response) => {
    const { "content-type": type = "", "content-security-policy": policy = "" } = response.headers();
    const strict = ["default-src 'none'", "script-src 'self'", "style-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"];
    const isStrict = strict.every((part) => policy.includes(part)) && !/unsafe|data:|https?:|\*/.test(policy);
    if (type.startsWith("text/html") && !isStrict) wrong.push(`${response.url()} has the policy "${policy}"`);
  });
  page.on("pageerror", (error) => wrong.push(`a script failed: ${error}`));
  page.on("console", (line) => line.type() === "error" && /Content Security Policy/.test(line.text()) && wrong.push(line.text()));
  await page.goto(new URL("/auth/login/", url).href);
  await page.locator('input[name="email"]').fill(email);
  await page.locator('input[name="password"]').fill(password);
  await page.locator('input[name="password"]').press("Enter");
  await page.waitForURL((address) => !address.pathname.startsWith("/auth/"));
  page.setDefaultTimeout(20_000);
  for (const step of input.steps) {
    const [[what, value]] = Object.entries(step);
    try {
      if (what === "show") wrong.push(...(await show(page, input, value)));
      else await steps[what](page, input, value);
    } catch (error) {
      const seen = await page.locator("main").innerText().catch(() => "");
      throw new Error(`${seen.slice(0, 1_500)}\n${error.message}\n${JSON.stringify(step)} on ${page.url()}`);
    }
  }
  // What was pressed last is taken before the browser closes.
  await page.waitForLoadState("networkidle");
  return { wrong, url: page.url() };
});
