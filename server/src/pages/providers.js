// Signing in by a server of others: the browser goes there and comes back to the same page.
import { ask, change, freshId } from "/client.js";

// What stays in this browser meanwhile, and in this tab: without it an answer is worth nothing.
const KEPT = "sign-in";

const taken = () => {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  sessionStorage.removeItem(KEPT);
  return kept;
};

/** The providers that people may sign in by here. */
export async function providers() {
  return (await ask("{ signInProviders { id label } }")).signInProviders;
}

/** Goes to a provider. */
export async function goTo(provider) {
  const query = "mutation($input: StartInput!) { startSignInWith(input: $input) { url ceremony } }";
  const { url, ceremony } = (await ask(query, { input: { provider } })).startSignInWith;
  sessionStorage.setItem(KEPT, JSON.stringify({ ceremony, home: location.href }));
  location.assign(url);
}

/** Notes what a provider has answered; gives the page that was left, if this tab has left one. */
export function comeBack(answer) {
  const kept = taken();
  if (!kept || kept.answer) return undefined;
  sessionStorage.setItem(KEPT, JSON.stringify({ ...kept, answer: Object.fromEntries(answer) }));
  return kept.home;
}

/** What a provider has answered to this tab: tokens, a second factor that is asked for, or a
    newcomer; nothing where it was not asked. */
export async function finish(client) {
  const { ceremony, answer } = taken() ?? {};
  if (!answer) return undefined;
  if (answer.error) throw new Error(`the provider says ${answer.error}`);
  const { code, state, iss } = answer;
  const given = { answer: { ceremony, code, state, iss }, ...client };
  const wanted = "signIn { accessToken secondFactor { challenge methods } }" +
    " newcomer { ticket username displayName }";
  return change("finishSignInWith", given, wanted);
}

/** Registers a newcomer. */
export function registerWith(given) {
  return change("registerWith", { clientId: freshId(), ...given }, "accessToken");
}
