// Has the shop's page show the crash-report dialog, fills it in like a person, and takes pictures of it.

const { open } = require("./serve.js");

open(async (page, { script, dsn, options, pictures }) => {
  const id = await page.evaluate(([dsn, options]) => window.showDialog(dsn, options), [dsn, options]);
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  await page.screenshot({ path: `${pictures}/asked.png` });
  const [name, email, comments] = await dialog.getByRole("textbox").all();
  const filled = await email.inputValue();
  const submit = dialog.getByRole("button").last();
  await submit.click();
  await dialog.getByRole("alert").waitFor();
  const wrong = await dialog.locator('[aria-invalid="true"]').count();
  await page.screenshot({ path: `${pictures}/complained.png` });
  await name.fill("Grace");
  await comments.fill("it does not work");
  await submit.click();
  const thanks = dialog.getByRole("status");
  await thanks.waitFor();
  await page.screenshot({ path: `${pictures}/thanked.png` });
  const answer = { id, filled, wrong, title: await dialog.getByRole("heading").innerText(), thanks: await thanks.innerText() };
  await dialog.getByRole("button").click();
  await dialog.waitFor({ state: "detached" });
  // The dialog tells its page by a message, which comes when it comes; raven.js asks for none.
  await page.waitForFunction((script) => script === "raven.js" || window.said?.includes("closed"), script);
  const scripts = await page.evaluate(() => document.querySelectorAll("script").length);
  return { ...answer, scripts, said: await page.evaluate(() => window.said ?? []) };
});
