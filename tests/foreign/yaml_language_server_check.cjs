// An editor's YAML language server, as VS Code runs it, over a mapping that is being written: what it offers, what it
// says of a key, what it marks. Arguments: the server's script and the mappings folder.
const assert = require("node:assert");
const { spawn } = require("node:child_process");
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const { pathToFileURL } = require("node:url");

const [server, mappings] = process.argv.slice(2);
const child = spawn(process.execPath, [server, "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
const waiting = new Map();
const diagnosed = new Map();
let input = Buffer.alloc(0);
let number = 0;

function send(message) {
  const body = Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...message }));
  child.stdin.write(`Content-Length: ${body.length}\r\n\r\n`);
  child.stdin.write(body);
}

function ask(method, params) {
  const id = ++number;
  send({ id, method, params });
  return new Promise((resolve) => waiting.set(id, resolve));
}

function received(message) {
  if (message.method === "textDocument/publishDiagnostics") {
    const { uri, diagnostics } = message.params;
    diagnosed.get(uri)?.(diagnostics);
  } else if (message.method && message.id !== undefined) {
    // What the server wants to know of its editor: nothing is configured.
    const items = message.params?.items ?? [];
    send({ id: message.id, result: message.method === "workspace/configuration" ? items.map(() => null) : null });
  } else if (message.id !== undefined) {
    waiting.get(message.id)?.(message.result);
  }
}

child.stdout.on("data", (data) => {
  input = Buffer.concat([input, data]);
  for (;;) {
    const head = input.indexOf("\r\n\r\n");
    const length = head < 0 ? null : /Content-Length: (\d+)/i.exec(input.subarray(0, head).toString());
    if (!length || input.length < head + 4 + Number(length[1])) return;
    const end = head + 4 + Number(length[1]);
    const body = input.subarray(head + 4, end).toString();
    input = input.subarray(end);
    received(JSON.parse(body));
  }
});

// Opens a text as if it were a file of the mappings folder; `|` is the cursor. Gives its uri, the cursor and the marks.
async function open(name, marked) {
  const at = marked.indexOf("|");
  const text = at < 0 ? marked : marked.slice(0, at) + marked.slice(at + 1);
  const before = marked.slice(0, Math.max(at, 0)).split("\n");
  const position = { line: before.length - 1, character: before.at(-1).length };
  const uri = pathToFileURL(join(mappings, name)).href;
  const marks = new Promise((resolve) => diagnosed.set(uri, resolve));
  send({ method: "textDocument/didOpen", params: { textDocument: { uri, languageId: "yaml", version: 1, text } } });
  return { textDocument: { uri }, position, marks: await marks };
}

async function offered(name, marked) {
  const { textDocument, position } = await open(name, marked);
  const answer = await ask("textDocument/completion", { textDocument, position });
  return (answer.items ?? answer).map((item) => item.label);
}

const head = `# yaml-language-server: $schema=schemas/mapping.schema.json
mapping: example
source: ticketure.identity
destination: salesforce.Contact
`;

async function check() {
  await ask("initialize", { processId: process.pid, rootUri: pathToFileURL(mappings).href, capabilities: { textDocument: { hover: {}, completion: {} } } });
  send({ method: "initialized", params: {} });

  const flow = await offered("flow.yaml", `${head}fields:\n  - { source: first_name, destination: F| }\n`);
  assert(flow.includes("FirstName") && flow.includes("Ticketure_Language__c"), `${flow}`);
  assert(!flow.includes("Website"), "a contact is offered a field of Account");
  assert(!flow.includes("CreatedDate"), "a field that cannot be written is offered");

  const block = await offered("block.yaml", `${head}fields:\n  - source: |\n`);
  assert(block.includes("first_name") && block.includes("address.city"), `${block}`);

  const keys = await offered("keys.yaml", `${head}fields:\n  - source: first_name\n    |\n`);
  assert(keys.includes("destination") && keys.includes("monitored"), `${keys}`);

  const top = await offered("top.yaml", `${head}on|\n`);
  assert(top.includes("on_link") && top.includes("on"), `${top}`);

  const word = await offered("word.yaml", `${head}on_link: |\n`);
  assert.deepStrictEqual(word.sort(), ["destination", "fill_blanks", "newest", "review", "source"]);

  const record = await offered("record.yaml", `${head}tests:\n  - name: a\n    given: { id: "1" }\n    expect:\n      |\n`);
  assert(record.includes("LastName"), `${record}`);

  const account = await offered("other.yaml", `${head.replace("Contact", "Account")}fields:\n  - { source: website, destination: F| }\n`);
  assert(account.includes("Website") && !account.includes("MailingCity"), `${account}`);

  const { textDocument, position } = await open("hover.yaml", `${head}fields:\n  - { source: email, destination: Email, moni|tored: true }\n`);
  const hover = JSON.stringify(await ask("textDocument/hover", { textDocument, position }));
  assert(hover.includes("lets a record go back"), hover);

  const contact = readFileSync(join(mappings, "contact.yaml"), "utf8");
  assert.deepStrictEqual((await open("contact.yaml", contact)).marks, []);
  const half = await open("half.yaml", `${head}fields:\n  - { source: email }\n`);
  assert.deepStrictEqual(half.marks, [], "a half-written file is marked");
  const broken = await open("broken.yaml", contact.replace("destination: FirstName", "destination: FristName"));
  const line = contact.split("\n").findIndex((text) => text.includes("destination: FirstName"));
  assert(broken.marks.length > 0 && broken.marks.every((mark) => mark.range.start.line === line), JSON.stringify(broken.marks));
}

setTimeout(() => { console.error("the language server does not answer"); process.exit(1); }, 60_000).unref();
check().then(() => { console.log("ok"); child.kill(); }, (error) => { console.error(error); child.kill(); process.exitCode = 1; });
