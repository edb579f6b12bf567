// Cancels the removal of lost second factors. The token stands behind the #, which browsers send
// to nobody.
import { change, freshId, onSubmit } from "/client.js";

const clientId = freshId();

onSubmit(async () => {
  const input = { clientId, token: location.hash.slice(1) };
  await change("cancelFactorRecovery", input, "position");
  return "Done: your second factor stays. Set a new password, since somebody may know yours.";
});
