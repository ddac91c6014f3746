// Signs in and walks: each step opens a page, does one thing on it, or looks whether something is there. What a person would
// name is named: labels, buttons, texts. Every page that a step shows is looked at for whoever cannot see it as most do, and
// for whether it fits the window; a picture of it is kept.

const { run } = require("./browser.js");
const { show } = require("./look.js");

const steps = {
  open: async (page, { url }, address) => page.goto(new URL(address, url).href),
  fill: async (page, _, [label, text]) => page.getByLabel(label, { exact: true }).first().fill(text),
  check: async (page, _, label) => page.getByLabel(label, { exact: true }).check(),
  uncheck: async (page, _, label) => page.getByLabel(label, { exact: true }).uncheck(),
  choose: async (page, _, [label, option]) => page.getByLabel(label, { exact: true }).first().selectOption(option),
  press: async (page, _, name) => page.getByRole("button", { name, exact: true }).first().click(),
  follow: async (page, _, name) => page.getByRole("link", { name }).first().click(),
  see: async (page, _, text) => page.getByText(text).first().waitFor(),
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
      throw new Error(`${JSON.stringify(step)} on ${page.url()}: ${error.message}\n${seen.slice(0, 1_500)}`);
    }
  }
  return { wrong, url: page.url() };
});
