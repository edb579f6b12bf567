// A client of somebody else's making: follows the feed over disconnects and reports what it heard.
//
// node resume.mjs <host:port> <access token> <position> <disconnects>

import { createClient } from "graphql-ws";
import WebSocket from "ws";

const [address, token, start, wanted] = process.argv.slice(2);
const query = `subscription($after: String) { updates(after: $after) {
  position conversationId seq previousSeq change { ... on Message { text } } } }`;

let position = start;
let disconnects = 0;
const heard = [];

// One connection: resolves with true once the last message was heard.
function follow(patience) {
  return new Promise((resolve) => {
    let socket;
    let frames = 0;
    let broken = false;
    const client = createClient({
      url: `ws://${address}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${token}` },
      retryAttempts: 0,
      on: { connected: (it) => (socket = it) },
    });
    client.subscribe({ query, variables: { after: position } }, {
      next({ data, errors }) {
        if (broken) return;
        if (errors) throw new Error(JSON.stringify(errors));
        const { position: reached, change, ...frame } = data.updates;
        heard.push(frame);
        position = reached;
        frames += 1;
        if (change?.text === "the end") {
          broken = true;
          client.dispose();
          resolve(true);
        } else if (frames === patience) {
          broken = true;
          disconnects += 1;
          socket.terminate();
        }
      },
      error(reason) {
        if (!broken) throw new Error(`not what was asked for: ${JSON.stringify(reason)}`);
        resolve(false);
      },
      complete() {
        if (!broken) throw new Error("the feed has ended");
      },
    });
  });
}

for (;;) {
  const patience = disconnects < Number(wanted) ? 1 + (disconnects % 5) : Infinity;
  if (await follow(patience)) break;
}
console.log(JSON.stringify({ disconnects, heard }));
