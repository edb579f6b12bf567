// One of the server's pages in a real browser: what somebody does there comes in lines of JSON, and what the page then
// shows goes out in lines.
//
// node pages.mjs <address of the page>

import { createInterface } from "node:readline";
import { open } from "./browser.mjs";

const page = await open(process.argv[2]);
for await (const line of createInterface({ input: process.stdin })) {
  const { fields = {}, press = "button:not([type=button])" } = JSON.parse(line);
  await page.run(
    (fields, press) => {
      const form = document.getElementById("form");
      for (const [name, value] of Object.entries(fields)) form.elements[name].value = value;
      document.getElementById("outcome").textContent = "";
      form.querySelector(press).click();
    },
    fields,
    press,
  );
  const outcome = await page.until(() => {
    const { textContent } = document.getElementById("outcome");
    return textContent !== "…" && textContent;
  });
  const left = await page.run(() => {
    const form = document.getElementById("form");
    return { done: form.hidden, hash: location.hash, fields: Object.fromEntries(new FormData(form)) };
  });
  console.log(JSON.stringify({ outcome, ...left }));
}
await page.close();
