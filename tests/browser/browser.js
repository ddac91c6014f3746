// What every browser script shares: Debian's Chromium, the input from the harness, and the answer to it.
// The harness starts a script with PICKET_INPUT (JSON) and reads what the story returns from the file PICKET_RESULT.

const fs = require("node:fs");
const { chromium } = require("playwright-core");

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Runs `story(page, input)` in a fresh browser and hands its answer to the harness. */
exports.run = async (story) => {
  const input = JSON.parse(process.env.PICKET_INPUT);
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
  try {
    const context = await browser.newContext({
      viewport: input.size,
      colorScheme: input.colorScheme,
      locale: input.locale,
      javaScriptEnabled: input.javaScript,
    });
    await context.addCookies(input.cookies ?? []);
    const page = await context.newPage();
    const answer = await story(page, input);
    fs.writeFileSync(process.env.PICKET_RESULT, JSON.stringify(answer ?? null));
  } catch (error) {
    console.error(error.stack ?? error);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
};
