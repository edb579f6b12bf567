// Lets a device in that shows a code, or refuses it.
import { ask, change, freshId } from "/client.js";
import { at, onSignedIn, showAccess, tries } from "/sign-in.js";

const clientId = freshId();
let token;
at("code").value = new URLSearchParams(location.search).get("code") ?? "";

// Who goes to a provider comes back to this address, where the code must be.
at("code").addEventListener("input", () => {
  const query = new URLSearchParams({ code: at("code").value });
  history.replaceState(null, "", `${location.pathname}?${query}`);
});

const QUERY = `query($code: String!) { deviceRequest(code: $code) { application { name } access } }`;
const look = async () => {
  const { deviceRequest } = await ask(QUERY, { code: at("code").value }, token);
  if (!deviceRequest) throw new Error("no device shows that code");
  const { application, access } = deviceRequest;
  at("what").textContent = application
    ? `${application.name} asks to act for you. It will be able to:`
    : "A device of your own asks to sign in. It will be able to do all that you can.";
  showAccess(access);
  // What was looked at is what is answered.
  at("code").readOnly = true;
};

onSignedIn((it) => {
  token = it;
  return look();
});

const answer = (allow, told) => tries(async () => {
  await change("answerDevice", { clientId, code: at("code").value, allow }, "position", token);
  // What signed in here is done with.
  await change("signOut", { clientId: freshId() }, "position", token);
  at("consent").hidden = true;
  return told;
});
at("consent").addEventListener("submit", answer(true, "Done: go back to the device."));
at("deny").addEventListener("click", answer(false, "The device was refused."));
