import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { chromiumPath, type Site } from "./harness";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const launch = (...args: string[]): Promise<Browser> =>
  chromium.launch({
    executablePath: chromiumPath as string,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", ...args],
  });

/**
 * Opens the app in a page of its own. What must stay empty goes to wrong:
 * console errors, uncaught ones, requests to other than the site's two origins.
 */
export async function visit(browser: Browser, site: Site, wrong: string[], options: BrowserContextOptions = {}, hash = ""): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(90_000);
  page.on("pageerror", (error) => wrong.push(error.message));
  page.on("console", (message) => {
    // A refused request shows up here too; those are the tests' own doing.
    const refused = /^Failed to load resource|^WebSocket connection to .* Unexpected response code: 403$/.test(message.text());
    if (message.type() === "error" && !refused) wrong.push(message.text());
  });
  page.on("request", (request) => {
    const ours = [`${site.origin}/`, `${site.video}/`, `blob:${site.origin}/`].some((start) => request.url().startsWith(start));
    if (!ours) wrong.push(`request to ${request.url()}`);
  });
  await page.goto(`${site.origin}/${hash}`);
  return page;
}

/** What axe finds wrong with the page, once nothing moves any more. */
export async function violations(page: Page): Promise<string[]> {
  await page.waitForFunction(() => document.getAnimations().every((a) => a.effect?.getTiming().iterations === Infinity));
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: { run(options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const { violations } = await axe.run({ runOnly: { type: "tag", values: tags } });
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}`));
  });
}
