// Sets a forgotten password anew. The token stands behind the #, which browsers send to nobody.
import { ask, freshId, onSubmit } from "/client.js";

const clientId = freshId();
const RESET = `mutation($input: ResetPasswordInput!) { resetPassword(input: $input) { position } }`;

onSubmit(async ({ newPassword, code }) => {
  const input = { clientId, token: location.hash.slice(1), newPassword };
  if (code) input[/^\d{6}$/.test(code) ? "code" : "backupCode"] = code;
  await ask(RESET, { input });
  return "Done: sign in with the new password.";
});
