// Grades exercises in Firefox: `node firefox_grades.mjs BINARY SITE_URL WEB_FOLDER_URL`, jobs as JSON on standard input.
// puppeteer-core speaks WebDriver BiDi to any Firefox; Playwright drives only a build of its own.

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const [binary, site, web] = process.argv.slice(2);
const require = createRequire(fileURLToPath(new URL("package.json", web)));
const puppeteer = require("puppeteer-core");
const LIMIT_MS = 180_000;

let text = "";
for await (const chunk of process.stdin) text += chunk;
const browser = await puppeteer.launch({ browser: "firefox", executablePath: binary, headless: true, args: ["--no-remote"], protocolTimeout: LIMIT_MS });
const graded = {};
try {
  for (const { slug, codes } of JSON.parse(text)) {
    const page = await browser.newPage();
    const troubles = [];
    page.on("pageerror", (error) => troubles.push(String(error)));
    await page.goto(`${site}exercises/${slug}/`);
    await page.waitForSelector(".rd-editor .cm-content");
    graded[slug] = [];
    for (const code of codes) {
      await page.evaluate((text) => {
        const files = new DataTransfer();
        files.items.add(new File([text], "code.py", { type: "text/x-python" }));
        const picker = document.querySelector("#workshop-file");
        picker.files = files.files;
        picker.dispatchEvent(new Event("change"));
      }, code);
      await new Promise((resolve) => setTimeout(resolve, 300));
      await page.evaluate(() => document.querySelector(".rd-workshop .rd-button--main").click());
      await page.waitForSelector('[data-workshop][data-run=""]', { timeout: LIMIT_MS });
      graded[slug].push(
        await page.evaluate(() =>
          Object.fromEntries(
            [...document.querySelectorAll(".rd-verdict > .rd-verdict__steps > li")].map((row) => [
              row.querySelector(".rd-verdict__title").textContent.match(/^Step (\d+)/)[1],
              row.className.match(/step--(\w+)/)[1],
            ]),
          ),
        ),
      );
    }
    if (troubles.length) throw new Error(`${slug}: ${troubles.join("; ")}`);
    await page.close();
  }
} finally {
  await browser.close();
}
process.stdout.write(JSON.stringify(graded));
