// A client of somebody else's making: uploads a file over connections that it breaks itself.
//
// node upload.mjs <endpoint> <access token> <file> <cuts>

import { readFileSync } from "node:fs";
import { Upload } from "tus-js-client";

const [endpoint, token, path, wanted] = process.argv.slice(2);
const file = readFileSync(path);
let cuts = 0;
let uploadUrl;

// One connection: resolves with true once the file is there.
function send(patience) {
  return new Promise((resolve, reject) => {
    let begun;
    let broken = false;
    const upload = new Upload(file, {
      endpoint,
      uploadUrl,
      headers: { authorization: `Bearer ${token}` },
      metadata: { filename: "film.mp4", filetype: "video/mp4" },
      // What has been sent is ahead of what has come by as much at most.
      chunkSize: 500_000,
      retryDelays: [0, 50, 200, 1000, 3000],
      onUploadUrlAvailable: () => (uploadUrl = upload.url),
      onProgress(sent) {
        begun ??= sent;
        if (broken || sent - begun < patience) return;
        broken = true;
        cuts += 1;
        upload.abort().then(() => resolve(false), reject);
      },
      onSuccess: () => broken || resolve(true),
      onError: reject,
    });
    upload.start();
  });
}

for (;;) {
  const patience = cuts < Number(wanted) ? 100_000 + Math.random() * 500_000 : Infinity;
  if (await send(patience)) break;
}

// Another is begun and given up.
const given = await new Promise((resolve, reject) => {
  const upload = new Upload(file, {
    endpoint: `${endpoint}/`,
    headers: { authorization: `Bearer ${token}` },
    onUploadUrlAvailable() {
      upload.abort(true).then(() => resolve(upload.url), reject);
    },
    onError: reject,
  });
  upload.start();
});
const headers = { authorization: `Bearer ${token}`, "tus-resumable": "1.0.0" };
const { status } = await fetch(new URL(given, endpoint), { method: "HEAD", headers });

// Three pieces beside each other, which the server makes one of.
const joined = await new Promise((resolve, reject) => {
  const upload = new Upload(file, {
    endpoint,
    headers,
    metadata: { filename: "film.mp4", filetype: "video/mp4" },
    parallelUploads: 3,
    retryDelays: [0, 50, 200, 1000, 3000],
    onSuccess: () => resolve(upload.url),
    onError: reject,
  });
  upload.start();
});

console.log(JSON.stringify({ cuts, location: uploadUrl, terminated: status, joined }));
