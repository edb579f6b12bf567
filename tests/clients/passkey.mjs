// A person makes a passkey in a browser and signs in with it.
//
// node passkey.mjs <origin of the server> <username> <password>

import { open } from "./browser.mjs";

const [origin, username, password] = process.argv.slice(2);
const page = await open(`${origin}/reset`);

const report = await page.run(
  async (username, password) => {
    const { ask, freshId } = await import("/client.js");
    const [create, get] = ["create", "get"].map((it) => navigator.credentials[it].bind(navigator.credentials));
    const change = async (name, input, wanted, token) => {
      const kind = name[0].toUpperCase() + name.slice(1) + "Input";
      const query = `mutation($input: ${kind}!) { ${name}(input: $input) { ${wanted} } }`;
      return (await ask(query, { input }, token))[name];
    };
    const begins = async (name, token) => (await ask(`mutation { ${name} { ceremony options } }`, {}, token))[name];
    const uses = async () => {
      const { ceremony, options } = await begins("beginPasskey");
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(options));
      const used = await get({ publicKey });
      return { ceremony, response: JSON.stringify(used.toJSON()) };
    };
    const first = await change("signIn", { username, password }, "accessToken");
    const token = first.accessToken;
    const makes = async () => {
      const { ceremony, options } = await begins("beginPasskeyRegistration", token);
      const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(JSON.parse(options));
      const response = JSON.stringify((await create({ publicKey })).toJSON());
      const input = { clientId: freshId(), name: "browser", ceremony, response };
      return change("addPasskey", input, "passkey { id name }", token);
    };
    const failure = (it) => it.then(() => null, (error) => error.name);
    const { passkey } = await makes();
    const again = await failure(makes());
    const shown = await uses();
    const opened = await change("signInWithPasskey", { passkey: shown }, "accessToken");
    const { viewer } = await ask("{ viewer { username } }", {}, opened.accessToken);
    const replayed = await failure(change("signInWithPasskey", { passkey: shown }, "accessToken"));
    const confirmed = await change("confirm", { clientId: freshId(), passkey: await uses() }, "until", token);
    return { name: passkey.name, again, viewer: viewer.username, replayed, confirmed: !!confirmed.until };
  },
  username,
  password,
);
console.log(JSON.stringify(report));
page.close();
