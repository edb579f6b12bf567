// A published provider of OpenID Connect, at which somebody signs in with a real browser: they register here by it, and
// sign in with it the next time.
//
// node provider.mjs <origin of the server> <port of the provider> <client secret>

import { Provider } from "oidc-provider";
import { open } from "./browser.mjs";

// What it prints of itself is no part of the report.
console.info = console.error;

const [origin, port, secret] = process.argv.slice(2);
const back = `${origin}/signed-in`;
const provider = new Provider(`http://localhost:${port}`, {
  clients: [{ client_id: "parlance", client_secret: secret, redirect_uris: [back] }],
  conformIdTokenClaims: false,
  claims: { openid: ["sub"], profile: ["name", "preferred_username"] },
  pkce: { required: () => true },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: "Ann of Corp", preferred_username: id }),
  }),
});
const server = provider.listen(Number(port), "localhost");
await new Promise((resolve) => server.once("listening", resolve));

const ask = async (query) => {
  const headers = { "content-type": "application/json" };
  const reply = await fetch(`${origin}/graphql`, { method: "POST", headers, body: JSON.stringify({ query }) });
  return (await reply.json()).data;
};

// Goes to the provider from the page that lets a device in, and through its forms.
async function goesThere() {
  const { code } = (await ask("mutation { requestDevice { code } }")).requestDevice;
  const page = await open(`${origin}/device?code=${code}`);
  await page.until(() => document.querySelector("[data-provider=corp]"));
  const label = await page.run(() => {
    const button = document.querySelector("[data-provider=corp]");
    button.click();
    return button.textContent;
  });
  // Its forms are sent once each: a page stays until the next one comes.
  await page.until(() => {
    const form = document.querySelector("form");
    if (form?.elements.prompt?.value === "consent") return true;
    if (form?.elements.login && !form.dataset.sent) {
      form.dataset.sent = "yes";
      form.elements.login.value = "ann";
      form.elements.password.value = "whatever";
      form.requestSubmit();
    }
    return false;
  });
  // Then it asks whether we may know, and sends the browser back.
  await page.until(() => {
    const form = document.querySelector("form");
    if (form?.elements.prompt?.value === "consent" && !form.dataset.sent) {
      form.dataset.sent = "yes";
      form.requestSubmit();
    }
    return location.pathname === "/device";
  });
  return { page, label };
}

const viewer = async (page) => {
  await page.until(() => !document.getElementById("consent").hidden);
  return page.run(() => document.getElementById("viewer").textContent);
};

const { page, label } = await goesThere();
await page.until(() => document.querySelector("#sign-in input[name=displayName]"));
const suggested = await page.run(() => {
  const form = document.getElementById("sign-in");
  const named = [form.elements.username.value, form.elements.displayName.value];
  form.requestSubmit();
  return named;
});
const registered = await viewer(page);
// Nothing of the way there is left in this browser.
const left = await page.run(() => [sessionStorage.length, location.search.includes("state")]);
await page.close();

const second = await goesThere();
const again = await viewer(second.page);
await second.page.close();

// An answer that somebody else has brought here.
const stranger = await open(`${origin}/reset`);
await stranger.run((it) => location.assign(it), `${back}?code=x&state=y&iss=z`);
await stranger.until(() => document.getElementById("outcome").textContent.startsWith("Nobody"));
const told = await stranger.run(() => [document.getElementById("outcome").textContent, location.search]);
await stranger.close();

server.close();
server.closeAllConnections();
console.log(JSON.stringify({ label, suggested, registered, left, again, told }));
