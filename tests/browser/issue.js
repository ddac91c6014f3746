// Signs in, waits in the issue list for an issue with this title, opens it and takes a picture of its page.

const { run } = require("./browser.js");

const PATIENCE = 60_000;

run(async (page, { url, list, email, password, title, path }) => {
  await page.goto(new URL(`/auth/login/?next=${encodeURIComponent(list)}`, url).href);
  await page.locator('input[name="email"]').fill(email);
  await page.locator('input[name="password"]').fill(password);
  await page.locator('input[name="password"]').press("Enter");
  await page.waitForURL((address) => !address.pathname.startsWith("/auth/"));

  const issue = page.getByRole("link", { name: title }).first();
  const deadline = Date.now() + PATIENCE;
  await page.goto(new URL(list, url).href);
  while (!(await issue.isVisible())) {
    if (Date.now() > deadline) throw new Error(`no issue named ${title} in ${PATIENCE / 1000} s`);
    await issue.waitFor({ timeout: 1_000 }).catch(() => page.reload());
  }
  await issue.click();
  await page.getByRole("heading", { name: title }).first().waitFor();
  await page.screenshot({ path });
  return { url: page.url(), title: await page.title() };
});
