// Look at pages as people do: node look.mjs MODULES CHROMIUM SHOTS PAGE...
// Prints one JSON object: page -> view -> what axe found, whether it scrolls sideways, what it asked of any network.
// With SHOTS other than "-", each view's picture goes there.
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [modules, chromium, shots, ...pages] = process.argv.slice(2);
const require = createRequire(path.join(modules, "package.json"));
const { chromium: driver } = require("playwright-core");
const axe = require("axe-core").source;

const VIEWS = [
  ["phone", { width: 360, height: 740 }, "light", "screen"],
  ["tablet", { width: 768, height: 1024 }, "dark", "screen"],
  ["desk", { width: 1280, height: 900 }, "light", "screen"],
  ["desk-dark", { width: 1280, height: 900 }, "dark", "screen"],
  ["paper", { width: 794, height: 1123 }, "light", "print"],
];

const browser = await driver.launch({ executablePath: chromium, args: ["--no-sandbox"] });
const found = {};
try {
  for (const file of pages) {
    found[file] = {};
    for (const [name, viewport, colorScheme, media] of VIEWS) {
      const context = await browser.newContext({ viewport, colorScheme, bypassCSP: true });
      const page = await context.newPage();
      const requests = [];
      page.on("request", (request) => requests.push(request.url()));
      await page.emulateMedia({ media, colorScheme });
      await page.goto(pathToFileURL(file).href);
      if (shots !== "-") {
        const shot = `${path.basename(file, ".html")}-${name}.png`;
        await page.screenshot({ path: path.join(shots, shot), fullPage: true });
      }
      // What is folded in is to be reached as well.
      await page.evaluate(() => document.querySelectorAll("details").forEach((each) => (each.open = true)));
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      found[file][name] = {
        violations: violations.map(({ id, impact, help, nodes }) => ({
          id, impact, help, nodes: nodes.slice(0, 3).map((node) => node.html.slice(0, 160)), count: nodes.length,
        })),
        overflow,
        requests: requests.filter((url) => !url.startsWith("file:")),
      };
      await context.close();
    }
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(found));
