// A person makes a passkey in a browser and signs in with it.
//
// node passkey.mjs <origin of the server> <username> <password>

import { open } from "./browser.mjs";

const [origin, username, password] = process.argv.slice(2);
const page = await open(`${origin}/reset`);

const report = await page.run(
  async (username, password) => {
    const { ask, change, freshId, usePasskey } = await import("/client.js");
    const first = await change("signIn", { username, password }, "accessToken");
    const token = first.accessToken;
    const makes = async () => {
      const begins = "mutation { beginPasskeyRegistration { ceremony options } }";
      const { ceremony, options } = (await ask(begins, {}, token)).beginPasskeyRegistration;
      const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(JSON.parse(options));
      const made = await navigator.credentials.create({ publicKey });
      const response = JSON.stringify(made.toJSON());
      const input = { clientId: freshId(), name: "browser", ceremony, response };
      return change("addPasskey", input, "passkey { id name }", token);
    };
    const failure = (it) => it.then(() => null, (error) => error.name);
    const { passkey } = await makes();
    const again = await failure(makes());
    const shown = await usePasskey();
    const opened = await change("signInWithPasskey", { passkey: shown }, "accessToken");
    const { viewer } = await ask("{ viewer { username } }", {}, opened.accessToken);
    const replayed = await failure(change("signInWithPasskey", { passkey: shown }, "accessToken"));
    const confirmed = await change("confirm", { clientId: freshId(), passkey: await usePasskey() }, "until", token);
    return { name: passkey.name, again, viewer: viewer.username, replayed, confirmed: !!confirmed.until };
  },
  username,
  password,
);
console.log(JSON.stringify(report));
await page.close();
