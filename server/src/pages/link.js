// Signs in by a link, once its person clicks: programs that scan mail open links, and click nothing.
import { ask, change, met, onSubmit } from "/client.js";

const client = { device: document.title, app: "Parlance" };
let asked;

onSubmit(async ({ code }) => {
  if (!asked) {
    const input = { token: location.hash.slice(1), ...client };
    const wanted = "accessToken secondFactor { challenge methods }";
    asked = await change("signInWithLink", input, wanted);
  }
  let { accessToken } = asked;
  if (!accessToken) {
    // The link is used up, but its challenge may be met more than once.
    const { challenge } = asked.secondFactor;
    const shown = { challenge, ...client, ...(await met(asked.secondFactor, code)) };
    ({ accessToken } = await change("completeSignIn", shown, "accessToken"));
  }
  const { viewer } = await ask("{ viewer { username } }", {}, accessToken);
  return `You have signed in as ${viewer.username}.`;
});
