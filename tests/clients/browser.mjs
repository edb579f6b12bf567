// A real browser, driven by the protocol of its developer tools, with an authenticator of its own.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import WebSocket from "ws";

// The address that the browser says its tools are at.
function told(browser) {
  return new Promise((resolve, reject) => {
    let said = "";
    browser.once("exit", (code) => reject(new Error(`the browser ended with ${code}: ${said}`)));
    browser.stderr.on("data", (it) => {
      said += it;
      const found = said.match(/DevTools listening on (\S+)/);
      if (found) resolve(found[1]);
    });
  });
}

/** Opens a page in a new browser; gives what can be done with it. */
export async function open(url) {
  const folder = mkdtempSync(join(tmpdir(), "browser-"));
  const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"];
  const browser = spawn("chromium", [...flags, `--user-data-dir=${folder}`, "about:blank"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const tools = new WebSocket(await told(browser));
  await new Promise((resolve) => tools.once("open", resolve));
  const waiting = new Map();
  const asked = [];
  let last = 0;
  tools.on("message", (bytes) => {
    const { id, result, error, method, params } = JSON.parse(bytes);
    if (method === "Network.requestWillBeSent") asked.push(params.request.url);
    const waits = waiting.get(id);
    waiting.delete(id);
    if (error) waits?.reject(new Error(error.message));
    else waits?.resolve(result);
  });
  const send = (method, params = {}, sessionId = undefined) =>
    new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      tools.send(JSON.stringify({ id: last, method, params, sessionId }));
    });
  const { targetId } = await send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
  const say = (method, params) => send(method, params, sessionId);

  // Runs a function in the page and gives what it resolves with.
  const run = async (what, ...given) => {
    const expression = `(${what})(...${JSON.stringify(given)})`;
    const asked = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await say("Runtime.evaluate", asked);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? "it failed");
    return result.value;
  };

  // Waits until a function in the page gives something.
  const until = async (what, ...given) => {
    const deadline = Date.now() + 30_000;
    for (;;) {
      // While a page gives way to another, nothing runs in either.
      const found = await run(what, ...given).catch(() => null);
      if (found) return found;
      if (Date.now() > deadline) throw new Error(`it never came to ${what}`);
    }
  };

  const goTo = async (where) => {
    await say("Page.navigate", { url: where });
    await until((it) => location.href.startsWith(it) && document.readyState === "complete", where);
  };

  // Waits until the page was sent to an address that begins like this, even if nobody is there.
  const sentTo = async (start) => {
    const deadline = Date.now() + 30_000;
    for (;;) {
      const found = asked.find((it) => it.startsWith(start));
      if (found) return found;
      if (Date.now() > deadline) throw new Error(`nothing was sent to ${start}`);
      await send("Target.getTargets");
    }
  };

  await say("Network.enable");
  await say("WebAuthn.enable");
  const options = { protocol: "ctap2", transport: "internal", automaticPresenceSimulation: true };
  const unlocked = { hasResidentKey: true, hasUserVerification: true, isUserVerified: true };
  await say("WebAuthn.addVirtualAuthenticator", { options: { ...options, ...unlocked } });
  await goTo(url);
  const close = async () => {
    const ended = new Promise((resolve) => browser.once("exit", resolve));
    // It ends while it answers.
    send("Browser.close").catch(() => {});
    await ended;
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  };
  return { run, until, goTo, sentTo, close };
}
