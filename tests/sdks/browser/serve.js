// Serves the shop's page on a loopback port of its own, so that what it reports goes to another origin, and opens it.

const esbuild = require("esbuild");
const http = require("node:http");
const path = require("node:path");
const { run } = require("../../browser/browser.js");

const HTML = `<!doctype html><html lang="en"><meta charset="utf-8"><title>The shop</title><h1>The shop</h1><script src="/shop.js"></script>`;

async function serve(script) {
  const bundled = await esbuild.build({
    entryPoints: [path.join(__dirname, script)],
    bundle: true,
    write: false,
    nodePaths: process.env.NODE_PATH.split(path.delimiter),
  });
  const [{ text }] = bundled.outputFiles;
  const server = http.createServer((request, answer) => {
    const asksForScript = request.url === "/shop.js";
    answer.setHeader("Content-Type", asksForScript ? "text/javascript" : "text/html");
    answer.end(asksForScript ? text : HTML);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/** Runs `story(page, input)` in the page that has this script. */
exports.open = (story) =>
  run(async (page, input) => {
    const server = await serve(input.script);
    try {
      await page.goto(`http://127.0.0.1:${server.address().port}/checkout?page=2`);
      return await story(page, input);
    } finally {
      await page.close();
      server.close();
    }
  });
