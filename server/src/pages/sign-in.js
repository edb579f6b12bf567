// The form by which a person signs in on one of our pages. Tokens stay in the page's memory.
import { ask, change, met, usePasskey } from "/client.js";
import { finish, goTo, providers, registerWith } from "/providers.js";

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
  <button type="button" id="passkey">Sign in with a passkey</button>
  <div id="providers"></div>`;

const NEWCOMER = `
  <p>Nobody here has that account yet. Choose what you are called here.</p>
  <label>Username <input name="username" autocomplete="username" required></label>
  <label>Name <input name="displayName" autocomplete="name" required></label>
  <label>Invitation, if one is needed <input name="invitation" autocomplete="off"></label>
  <button>Register</button>`;

const FACTOR = `
  <p>A second factor is asked for.</p>
  <label>Code, or nothing for a passkey <input name="code" autocomplete="one-time-code"></label>
  <button>Sign in</button>`;

/** Shows another form in the place of the first, and does something when it is sent. */
function instead(html, what) {
  const form = document.createElement("form");
  form.innerHTML = html;
  form.id = "sign-in";
  at("sign-in").replaceWith(form);
  form.addEventListener("submit", tries(() => what(Object.fromEntries(new FormData(form)))));
  return form;
}

/** Shows a button for each provider. */
async function showProviders() {
  at("providers").replaceChildren(...(await providers()).map(({ id, label }) => {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.provider = id;
    button.textContent = `Sign in with ${label}`;
    button.addEventListener("click", tries(() => goTo(id)));
    return button;
  }));
}

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
  const complete = async (secondFactor, code) => {
    const { challenge } = secondFactor;
    const shown = { challenge, ...client, ...(await met(secondFactor, code)) };
    return signedIn(await change("completeSignIn", shown, "accessToken"));
  };
  const cameBack = async () => {
    const came = await finish(client);
    if (came?.signIn?.accessToken) return signedIn(came.signIn);
    if (came?.signIn) {
      instead(FACTOR, ({ code }) => complete(came.signIn.secondFactor, code));
    } else if (came) {
      const { ticket, username, displayName } = came.newcomer;
      if (!ticket) throw new Error("no account is linked to that one, and nobody registers by it");
      const form = instead(NEWCOMER, async ({ invitation, ...named }) => {
        const given = { ticket, ...named, ...client };
        return signedIn(await registerWith(invitation ? { ...given, invitation } : given));
      });
      form.elements.username.value = username ?? "";
      form.elements.displayName.value = displayName ?? "";
    }
    return undefined;
  };
  at("sign-in").addEventListener("submit", tries(async () => {
    const { username, password, code } = Object.fromEntries(new FormData(at("sign-in")));
    const wanted = "accessToken secondFactor { challenge methods }";
    const first = await change("signIn", { username, password, ...client }, wanted);
    if (!first.secondFactor) return signedIn(first);
    return complete(first.secondFactor, code);
  }));
  at("passkey").addEventListener("click", tries(async () => {
    const passkey = await usePasskey();
    return signedIn(await change("signInWithPasskey", { passkey, ...client }, "accessToken"));
  }));
  showProviders().then(cameBack).catch((error) => {
    at("outcome").textContent = `Not done: ${error.message}.`;
  });
}
