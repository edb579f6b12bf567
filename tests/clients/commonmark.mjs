// What CommonMark's own examples say, without the whitespace: the text and what stands in what.
//
// Prints one object an example: its markdown, the text and entities that its HTML has, and
// whether only the text is to be compared.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { tests } from "commonmark-spec";
import { parseFragment } from "parse5";

const KINDS = { em: "Italic", strong: "Bold", blockquote: "Quote", pre: "Pre" };
const bare = (text) => text.replace(/\s/gu, "");

/** What a link must begin with to be one. */
const SAFE = /^(https?|mailto|tel):/i;

function read(html) {
  const entities = [];
  let text = "";

  const within = (kind, node, more = {}) => {
    const from = text.length;
    node.childNodes.forEach((child) => visit(child, node));
    const held = text.slice(from);
    if (held) entities.push({ kind, text: held, ...more });
  };

  const attribute = (node, name) => node.attrs.find((it) => it.name === name)?.value;

  const link = (node, url) =>
    SAFE.test(url) ? within("Link", node, { url: decodeURI(url) }) : node.childNodes.forEach((it) => visit(it, node));

  function visit(node, parent) {
    if (node.nodeName === "#text") {
      text += bare(node.value);
      return;
    }
    const name = node.nodeName;
    if (/^h[1-6]$/.test(name)) within("Bold", node);
    else if (name === "code" && parent.nodeName === "pre") {
      node.childNodes.forEach((it) => visit(it, node));
    } else if (name === "code") within("Code", node);
    else if (name in KINDS) within(KINDS[name], node);
    else if (name === "a") link(node, attribute(node, "href"));
    else if (name === "img") {
      const alt = { nodeName: "#text", value: attribute(node, "alt") };
      link({ childNodes: [alt] }, attribute(node, "src"));
    } else if (name === "hr") text += "---";
    else if (name === "li") {
      const first = attribute(parent, "start") ?? "1";
      const items = parent.childNodes.filter((it) => it.nodeName === "li");
      text += parent.nodeName === "ol" ? `${Number(first) + items.indexOf(node)}.` : "•";
      node.childNodes.forEach((it) => visit(it, node));
    } else if (["p", "ul", "ol", "br"].includes(name)) {
      node.childNodes.forEach((it) => visit(it, node));
    } else throw new Error(`${name} is nothing that CommonMark writes`);
  }

  const whole = parseFragment(html);
  whole.childNodes.forEach((it) => visit(it, whole));
  return { text, entities };
}

const { version } = JSON.parse(
  readFileSync(createRequire(import.meta.url).resolve("commonmark-spec/package.json")),
);
// HTML is text in messages, so examples of it say something else.
const isHtml = ({ section, markdown }) => /HTML|inlines/i.test(section) || /<a href/.test(markdown);
const supported = tests.filter((it) => !isHtml(it));
// The specification writes tabs as arrows.
const withTabs = (text) => text.replaceAll("→", "\t");
const examples = [];
let ofHtml = tests.length - supported.length;
for (const { markdown, html, number, section } of supported) {
  try {
    // HTML has no markup inside what stands for a picture; a message may.
    const textOnly = section === "Images";
    const said = { number, section, textOnly, markdown: withTabs(markdown) };
    examples.push({ ...said, ...read(withTabs(html)) });
  } catch {
    ofHtml += 1;
  }
}
console.log(JSON.stringify({ version, ofHtml, examples }));
