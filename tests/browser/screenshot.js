// Opens a page with a session's cookie and takes a picture of it.

const { run } = require("./browser.js");

run(async (page, { url, path }) => {
  const response = await page.goto(url, { waitUntil: "load" });
  await page.screenshot({ path });
  return { status: response.status(), title: await page.title() };
});
