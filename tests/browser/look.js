// Looks at a page as everybody who cannot see it as most do, and takes a picture of it.

const path = require("node:path");
const axe = require("axe-core");

const GRAVE = ["serious", "critical"];
/** Bytes of a page as they come over the wire, with everything it loads. */
const MOST_BYTES = 60_000;

/** What the page weighs, and whether anything in it would need a laxer policy. */
const weighed = (page) => page.evaluate(() => {
  const [own] = performance.getEntriesByType("navigation");
  const parts = performance.getEntriesByType("resource").filter(({ initiatorType }) => ["link", "script", "img", "css"].includes(initiatorType));
  const bytes = [own, ...parts].reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
  // Taking a picture leaves empty styles behind.
  const inline = [...document.querySelectorAll('style, script:not([src]), [style]:not([style=""])')].map((one) => one.outerHTML.slice(0, 100));
  return { bytes, inline };
});

/** Whether everybody can use the page, and its picture. */
exports.show = async (page, { folder, suffix, javaScript }, name) => {
  await page.screenshot({ path: path.join(folder, `${name}-${suffix}.png`), fullPage: true });
  // Without JavaScript a page cannot be asked anything.
  if (javaScript === false) return [];
  const { bytes, inline } = await weighed(page);
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run());
  const wrong = violations.filter(({ impact }) => GRAVE.includes(impact)).flatMap(({ id, nodes }) =>
    nodes.map(({ html, any }) => `${name}: ${id}: ${html.slice(0, 200)} ${any.map(({ message }) => message).join("; ")}`));
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (beyond > 0) wrong.push(`${name}: ${beyond} pixels wider than the window`);
  if (bytes > MOST_BYTES) wrong.push(`${name}: ${bytes} bytes`);
  wrong.push(...inline.map((html) => `${name}: styled or scripted in place: ${html}`));
  return wrong;
};
