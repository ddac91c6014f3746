// Looks at a page as everybody who cannot see it as most do, and takes a picture of it.

const path = require("node:path");
const axe = require("axe-core");

const GRAVE = ["serious", "critical"];

/** Whether everybody can use the page, and its picture. */
exports.show = async (page, { folder, suffix, javaScript }, name) => {
  await page.screenshot({ path: path.join(folder, `${name}-${suffix}.png`), fullPage: true });
  // Without JavaScript a page cannot be asked anything.
  if (javaScript === false) return [];
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run());
  const wrong = violations.filter(({ impact }) => GRAVE.includes(impact)).flatMap(({ id, nodes }) =>
    nodes.map(({ html, any }) => `${name}: ${id}: ${html.slice(0, 200)} ${any.map(({ message }) => message).join("; ")}`));
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (beyond > 0) wrong.push(`${name}: ${beyond} pixels wider than the window`);
  return wrong;
};
