// Asks a person whether an application may act for them.
import { ask, change, freshId } from "/client.js";
import { at, onSignedIn, showAccess, tries } from "/sign-in.js";

const request = location.search.slice(1);
const clientId = freshId();
let token;

// Goes where the application wants; what signed in here is done with.
async function leave(to) {
  if (token) await change("signOut", { clientId: freshId() }, "position", token);
  location.assign(to);
}


at("consent").addEventListener("submit", tries(async () => {
  const { redirectUri } = await change("allowApplication", { clientId, request }, "redirectUri", token);
  await leave(redirectUri);
}));

at("deny").addEventListener("click", tries(() => leave(at("deny").href)));

const wanted = "application { name } access redirectHost denyUri";
const query = `query($request: String!) { authorization(request: $request) { ${wanted} } }`;
async function show() {
  const { authorization } = await ask(query, { request });
  at("application").textContent = authorization.application.name;
  at("host").textContent = authorization.redirectHost;
  at("deny").href = authorization.denyUri;
  showAccess(authorization.access);
}
const shown = show();

onSignedIn(async (it) => {
  // Who comes back from a provider is signed in before all is shown.
  await shown;
  token = it;
});

try {
  await shown;
} catch (error) {
  at("sign-in").hidden = true;
  at("outcome").textContent = `Not done: ${error.message}.`;
}
