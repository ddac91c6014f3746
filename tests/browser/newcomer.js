// Follows the link of an invitation, signs in as the directory knows them, and joins.

const { run } = require("./browser.js");
const { show } = require("./look.js");

run(async (page, input) => {
  const wrong = [];
  page.setDefaultTimeout(20_000);
  await page.goto(input.link);
  wrong.push(...(await show(page, input, "invitation")));
  await page.getByRole("link", { name: "Sign in to join" }).click();
  wrong.push(...(await show(page, input, "sign-in")));
  await page.getByLabel("Email or username").fill(input.login);
  await page.getByLabel("Password").fill(input.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "Join" }).click();
  await page.waitForURL((address) => !address.pathname.startsWith("/auth/"));
  wrong.push(...(await show(page, input, "joined")));
  return { wrong, url: page.url(), text: await page.locator("main").innerText() };
});
