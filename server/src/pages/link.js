// Hands a link that signs in to the program in which it was asked for. The token stands behind the
// #, which browsers send to nobody; nothing is opened here, since programs that scan mail look too.
const token = document.getElementById("token");
const outcome = document.getElementById("outcome");

token.value = location.hash.slice(1);
document.getElementById("form").addEventListener("submit", (event) => {
  event.preventDefault();
  history.replaceState(null, "", location.pathname);
  token.select();
  // The newer way to copy may ask first, and then waits.
  const copied = document.execCommand("copy");
  outcome.textContent = copied ? "Copied: paste it there." : "Copy what is marked, and paste it there.";
});
