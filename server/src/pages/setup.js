// Registers the first owner. The token stands behind the #, which browsers send to nobody.
import { ask, freshId, onSubmit } from "/client.js";

const clientId = freshId();
const REGISTER = `mutation($input: RegisterInput!) { register(input: $input) { account { username } } }`;

onSubmit(async (fields) => {
  const input = { clientId, setup: location.hash.slice(1), ...fields };
  const { register } = await ask(REGISTER, { input });
  return `Done: ${register.account.username} owns this server.`;
});
