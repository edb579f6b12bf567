// A published client of OpenID Connect registers itself: somebody allows it access in a browser, it exchanges the
// code, goes on with its refresh token, and reads the API.
//
// node oauth.mjs <origin of the server> <username> <password>

import * as oidc from "openid-client";
import { open } from "./browser.mjs";

const [origin, username, password] = process.argv.slice(2);
const back = "http://127.0.0.1/back";
const insecure = { execute: [oidc.allowInsecureRequests] };
const said = { client_name: "Bridge", redirect_uris: [back] };
const config = await oidc.dynamicClientRegistration(new URL(origin), said, undefined, insecure);

// What somebody sees of the forms.
const seen = (page) =>
  page.run(() => ["sign-in", "consent"].map((it) => document.getElementById(it).checkVisibility()));
const views = [];

async function signIn(page) {
  await page.until(() => document.querySelector("#sign-in input"));
  views.push(await seen(page));
  await page.run(
    (username, password) => {
      const form = document.getElementById("sign-in");
      form.elements.username.value = username;
      form.elements.password.value = password;
      form.requestSubmit();
    },
    username,
    password,
  );
  await page.until(() => !document.getElementById("consent").hidden);
  views.push(await seen(page));
}

const verifier = oidc.randomPKCECodeVerifier();
const [state, nonce] = [oidc.randomState(), oidc.randomNonce()];
const asked = {
  redirect_uri: back,
  scope: "openid profile offline_access chat:read",
  code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  state,
  nonce,
};
const address = await oidc.buildAuthorizationUrlWithPAR(config, asked);
const page = await open(address.href);
await page.until(() => document.querySelectorAll("#access li").length === 4);
const told = await page.run(() => document.getElementById("application").textContent);
await signIn(page);
const viewer = await page.run(() => document.getElementById("viewer").textContent);
await page.run(() => document.getElementById("consent").requestSubmit());
// Nobody listens there: the browser shows that, and knows where it was sent.
const sent = await page.sentTo(back);
await page.close();

const expected = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };
const tokens = await oidc.authorizationCodeGrant(config, new URL(sent), expected);
const { sub, name } = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
const next = await oidc.refreshTokenGrant(config, tokens.refresh_token);
const ask = async (query) => {
  const body = JSON.stringify({ query });
  const headers = new Headers({ "content-type": "application/json" });
  const url = new URL(`${origin}/graphql`);
  const reply = await oidc.fetchProtectedResource(config, next.access_token, url, "POST", body, headers);
  return reply.json();
};
const read = await ask("{ viewer { id username } }");
const denied = await ask("{ sessions { id } }");
const active = async () => (await oidc.tokenIntrospection(config, next.access_token)).active;
const before = await active();
await oidc.tokenRevocation(config, next.refresh_token);

// The same on a device without a keyboard: the person types the code elsewhere.
const waiting = await oidc.initiateDeviceAuthorization(config, { scope: "openid chat:read" });
const elsewhere = await open(waiting.verification_uri_complete);
await signIn(elsewhere);
await elsewhere.until(() => document.querySelectorAll("#access li").length === 2);
await elsewhere.run(() => document.getElementById("consent").requestSubmit());
await elsewhere.until(() => document.getElementById("outcome").textContent.startsWith("Done"));
await elsewhere.close();
const device = await oidc.pollDeviceAuthorizationGrant(config, waiting);

console.log(JSON.stringify({
  told,
  views,
  viewer,
  name,
  same: read.data.viewer.id === sub,
  denied: denied.errors[0].extensions.code,
  active: [before, await active()],
  device: device.scope,
  sameOnDevice: device.claims().sub === sub,
}));
