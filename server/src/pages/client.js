// What our pages share: one GraphQL request, and the id under which it can be repeated.

/** A UUID of version 7 (RFC 9562). */
export function freshId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(Date.now() / 65536));
  view.setUint16(4, Date.now() & 0xffff);
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (it) => it.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Asks, as somebody who has signed in where a token is given; an error's code is its name. */
export async function ask(query, variables = {}, token = undefined) {
  const signedIn = token ? { authorization: `Bearer ${token}` } : {};
  const answer = await fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", ...signedIn },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await answer.json();
  if (errors) throw Object.assign(new Error(errors[0].message), { name: errors[0].extensions?.code });
  return data;
}

/** Gives a mutation by its name, and gives its payload. */
export async function change(name, input, wanted, token) {
  const kind = `${name[0].toUpperCase()}${name.slice(1)}Input`;
  const query = `mutation($input: ${kind}!) { ${name}(input: $input) { ${wanted} } }`;
  return (await ask(query, { input }, token))[name];
}

let sent;

/** Sends a code, to whoever has proved all but the second factor. */
export async function sendCode(challenge, method) {
  await change("sendFactorCode", { clientId: freshId(), challenge, method }, "until");
  sent = method === "SMS" ? "smsCode" : "emailCode";
}

/** What somebody typed as a code: one that was sent, a one-time password, or a backup code. */
export function written(code) {
  return { [/^\d{6}$/.test(code) ? (sent ?? "code") : "backupCode"]: code };
}

/** What meets a challenge: a code that was typed, or a passkey. Where codes are sent and none was
 * typed, sends one. */
export async function met({ challenge, methods }, code) {
  if (code) return written(code);
  if (methods.includes("PASSKEY")) return { passkey: await usePasskey() };
  const method = ["EMAIL", "SMS"].find((it) => methods.includes(it));
  if (!method || methods.includes("TOTP")) throw new Error("a code is needed too");
  await sendCode(challenge, method);
  throw new Error("a code is on its way, give it here and sign in again");
}

/** Has the device use a passkey; gives what proves it. */
export async function usePasskey() {
  const { beginPasskey } = await ask("mutation { beginPasskey { ceremony options } }");
  const options = JSON.parse(beginPasskey.options);
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const used = await navigator.credentials.get({ publicKey });
  return { ceremony: beginPasskey.ceremony, response: JSON.stringify(used.toJSON()) };
}

/** Sends a form's fields when it is submitted, and tells what came of it. */
export function onSubmit(send) {
  const form = document.getElementById("form");
  const outcome = document.getElementById("outcome");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    outcome.textContent = "…";
    try {
      outcome.textContent = await send(Object.fromEntries(new FormData(form)));
      form.hidden = true;
      history.replaceState(null, "", location.pathname);
    } catch (error) {
      outcome.textContent = `Not done: ${error.message}.`;
    }
  });
}
