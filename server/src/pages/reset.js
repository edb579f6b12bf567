// Sets a forgotten password anew. The token stands behind the #, which browsers send to nobody.
import { change, freshId, onSubmit, usePasskey, written } from "/client.js";

const clientId = freshId();

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
