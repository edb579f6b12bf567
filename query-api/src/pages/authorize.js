// Asks a person whether an application may act for them. Tokens stay in this page's memory.
import { ask, change, freshId, usePasskey } from "/client.js";

const MEANING = {
  OPEN_ID: "know who you are",
  PROFILE: "know your username and name",
  EMAIL: "know your mail address",
  OFFLINE_ACCESS: "go on while you are away",
  CHAT_READ: "read your conversations",
  CHAT_WRITE: "write in your name and act on your conversations",
};
const request = location.search.slice(1);
const clientId = freshId();
const client = { device: "consent page", app: "Parlance" };
const at = (id) => document.getElementById(id);
let token;

// Does something and tells what went wrong.
const tries = (what) => async (event) => {
  event.preventDefault();
  at("outcome").textContent = "…";
  try {
    await what(new FormData(at("sign-in")));
    at("outcome").textContent = "";
  } catch (error) {
    at("outcome").textContent = `Not done: ${error.message}.`;
  }
};

async function signedIn({ accessToken }) {
  token = accessToken;
  const { viewer } = await ask("{ viewer { username } }", {}, token);
  at("viewer").textContent = viewer.username;
  at("sign-in").hidden = true;
  at("consent").hidden = false;
}

at("sign-in").addEventListener("submit", tries(async (fields) => {
  const { username, password, code } = Object.fromEntries(fields);
  const wanted = "accessToken secondFactor { challenge methods }";
  const first = await change("signIn", { username, password, ...client }, wanted);
  if (!first.secondFactor) return signedIn(first);
  const { challenge, methods } = first.secondFactor;
  const shown = { challenge, ...client };
  if (code) shown[/^\d{6}$/.test(code) ? "code" : "backupCode"] = code;
  else if (methods.includes("PASSKEY")) shown.passkey = await usePasskey();
  else throw new Error("a code is needed too");
  await signedIn(await change("completeSignIn", shown, "accessToken"));
}));

at("passkey").addEventListener("click", tries(async () => {
  const passkey = await usePasskey();
  await signedIn(await change("signInWithPasskey", { passkey, ...client }, "accessToken"));
}));

at("consent").addEventListener("submit", tries(async () => {
  const { redirectUri } = await change("allowApplication", { clientId, request }, "redirectUri", token);
  // What signed in here is done with.
  await change("signOut", { clientId: freshId() }, "position", token);
  location.assign(redirectUri);
}));

const wanted = "application { name } access redirectHost denyUri";
const query = `query($request: String!) { authorization(request: $request) { ${wanted} } }`;
try {
  const { authorization } = await ask(query, { request });
  at("application").textContent = authorization.application.name;
  at("host").textContent = authorization.redirectHost;
  at("deny").href = authorization.denyUri;
  at("access").replaceChildren(...authorization.access.map((it) => {
    const line = document.createElement("li");
    line.textContent = MEANING[it];
    return line;
  }));
} catch (error) {
  at("sign-in").hidden = true;
  at("outcome").textContent = `Not done: ${error.message}.`;
}
