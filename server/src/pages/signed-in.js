// Where providers send people back to: leads them to the page that they have left.
import { comeBack } from "/providers.js";

const outcome = document.getElementById("outcome");
const home = comeBack(new URLSearchParams(location.search));
// What came is in this page's address, which nobody needs to see any more.
history.replaceState(null, "", location.pathname);
if (home) location.replace(home);
else outcome.textContent = "Nobody has begun to sign in here. Go back and begin again.";
