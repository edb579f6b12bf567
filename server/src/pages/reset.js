// Sets a forgotten password anew. The token stands behind the #, which browsers send to nobody.
import { change, freshId, onSubmit, sendCode, usePasskey, written } from "/client.js";

const clientId = freshId();

document.getElementById("text").addEventListener("click", async () => {
  const outcome = document.getElementById("outcome");
  try {
    await sendCode(location.hash.slice(1), "SMS");
    outcome.textContent = "A code is on its way, give it here.";
  } catch (error) {
    outcome.textContent = `Not done: ${error.message}.`;
  }
});

onSubmit(async ({ newPassword, code }) => {
  const input = { clientId, token: location.hash.slice(1), newPassword };
  if (code) Object.assign(input, written(code));
  try {
    await change("resetPassword", input, "position");
  } catch (error) {
    if (error.name !== "FACTORS_NEEDED" || code) throw error;
    const passkey = await usePasskey();
    await change("resetPassword", { ...input, passkey }, "position");
  }
  return "Done: sign in with the new password.";
});
