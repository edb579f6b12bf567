// The form by which a person signs in on one of our pages. Tokens stay in the page's memory.
import { ask, change, met, usePasskey } from "/client.js";

export const MEANING = {
  OPEN_ID: "know who you are",
  PROFILE: "know your username and name",
  EMAIL: "know your mail address",
  OFFLINE_ACCESS: "go on while you are away",
  CHAT_READ: "read your conversations",
  CHAT_WRITE: "write in your name and act on your conversations",
};

export const at = (id) => document.getElementById(id);

/** Shows what an application asks for, as a list. */
export function showAccess(access) {
  at("access").replaceChildren(...access.map((it) => {
    const line = document.createElement("li");
    line.textContent = MEANING[it];
    return line;
  }));
}

/** Does something when it is asked for, and tells what went wrong. */
export const tries = (what) => async (event) => {
  event.preventDefault();
  at("outcome").textContent = "…";
  try {
    at("outcome").textContent = (await what(event)) ?? "";
  } catch (error) {
    at("outcome").textContent = `Not done: ${error.message}.`;
  }
};

const FORM = `
  <label>Username or mail address <input name="username" autocomplete="username webauthn" required></label>
  <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
  <label>Code, if you have a second factor <input name="code" autocomplete="one-time-code"></label>
  <button>Sign in</button>
  <button type="button" id="passkey">Sign in with a passkey</button>`;

/** Calls back with an access token once somebody has signed in by the form. */
export function onSignedIn(go) {
  at("sign-in").innerHTML = FORM;
  const client = { device: document.title, app: "Parlance" };
  const signedIn = async ({ accessToken }) => {
    const { viewer } = await ask("{ viewer { username } }", {}, accessToken);
    at("viewer").textContent = viewer.username;
    // Nobody consents to what was not shown.
    await go(accessToken);
    at("sign-in").hidden = true;
    at("consent").hidden = false;
  };
  at("sign-in").addEventListener("submit", tries(async () => {
    const { username, password, code } = Object.fromEntries(new FormData(at("sign-in")));
    const wanted = "accessToken secondFactor { challenge methods }";
    const first = await change("signIn", { username, password, ...client }, wanted);
    if (!first.secondFactor) return signedIn(first);
    const { challenge } = first.secondFactor;
    const shown = { challenge, ...client, ...(await met(first.secondFactor, code)) };
    return signedIn(await change("completeSignIn", shown, "accessToken"));
  }));
  at("passkey").addEventListener("click", tries(async () => {
    const passkey = await usePasskey();
    return signedIn(await change("signInWithPasskey", { passkey, ...client }, "accessToken"));
  }));
}
