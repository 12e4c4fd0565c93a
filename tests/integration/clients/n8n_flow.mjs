// Runs examples/n8n/film.json as n8n does: node after node, each request as it is written there, with {{ }} as JavaScript.
//   node n8n_flow.mjs FLOW BASE_URL API_KEY PHOTO SAVE_TO
// Only what that flow uses is known here; anything else ends it.
import { openAsBlob, readFileSync, writeFileSync } from "node:fs";

const [flowPath, baseUrl, apiKey, photo, saveTo] = process.argv.slice(2);
const flow = JSON.parse(readFileSync(flowPath, "utf8"));
const node = (name) => flow.nodes.find((one) => one.name === name);
const passed = new Map();

/** What a parameter says for an item: text, or the value of its one expression. */
function said(text, item) {
  if (typeof text !== "string" || !text.startsWith("=")) return text;
  const of = (code) => new Function("$json", "$", `return (${code});`)(item.json, (name) => ({ first: () => passed.get(name) }));
  const whole = text.slice(1).match(/^\{\{((?:(?!\}\}(?! ?\})).)*)\}\}$/s);
  return whole ? of(whole[1]) : text.slice(1).replace(/\{\{(.*?)\}\}/gs, (_all, code) => String(of(code)));
}

async function request(parameters, item, credentials) {
  const headers = {};
  if (parameters.authentication) {
    if (parameters.genericAuthType !== "httpHeaderAuth" || !credentials?.httpHeaderAuth) throw new Error("another credential");
    headers.Authorization = `Bearer ${apiKey}`;
  }
  for (const { name, value } of parameters.sendHeaders ? parameters.headerParameters.parameters : []) headers[name] = said(value, item);
  let body;
  if (parameters.sendBody && parameters.contentType === "multipart-form-data") {
    body = new FormData();
    for (const field of parameters.bodyParameters.parameters) {
      if (field.parameterType !== "formBinaryData") throw new Error(`a field of ${field.parameterType}`);
      if (!item.binary?.[field.inputDataFieldName]) throw new Error(`no binary file ${field.inputDataFieldName}`);
      body.append(field.name, item.binary[field.inputDataFieldName], "photo.jpg");
    }
  } else if (parameters.sendBody) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(said(parameters.jsonBody, item));
  }
  const answer = await fetch(said(parameters.url, item), { method: parameters.method, headers, body });
  if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
  const { responseFormat, outputPropertyName } = parameters.options?.response?.response ?? {};
  if (responseFormat !== "file") return { json: await answer.json() };
  return { json: {}, binary: { [outputPropertyName]: await answer.blob() } };
}

/** The item that a node passes on, and by which of its outputs. */
async function run({ type, parameters, credentials }, item) {
  switch (type) {
    case "n8n-nodes-base.webhook":
      if (parameters.options.binaryPropertyName) throw new Error("a form's file is then called by that name and a number");
      return [{ json: {}, binary: { photo: await openAsBlob(photo) } }, 0];
    case "n8n-nodes-base.set": {
      if (!parameters.includeOtherFields || parameters.options.stripBinary) throw new Error("the photo is lost here");
      const set = parameters.assignments.assignments.map((one) => [one.name, one.name === "base_url" ? baseUrl : said(one.value, item)]);
      return [{ ...item, json: { ...item.json, ...Object.fromEntries(set) } }, 0];
    }
    case "n8n-nodes-base.httpRequest":
      return [await request(parameters, item, credentials), 0];
    case "n8n-nodes-base.if": {
      const { combinator, conditions, options } = parameters.conditions;
      if (options === undefined) throw new Error("n8n reads the options of conditions");
      const holds = conditions.map(({ leftValue, rightValue, operator }) => {
        if (!["equals", "notEquals"].includes(operator.operation)) throw new Error(`the operation ${operator.operation}`);
        return (said(leftValue, item) === rightValue) === (operator.operation === "equals");
      });
      return [item, (combinator === "and" ? holds.every(Boolean) : holds.some(Boolean)) ? 0 : 1];
    }
    case "n8n-nodes-base.stopAndError":
      throw new Error(said(parameters.errorMessage, item));
    default:
      throw new Error(`a node of type ${type}`);
  }
}

let name = flow.nodes.find((one) => one.type === "n8n-nodes-base.webhook").name;
let item = { json: {} };
for (let steps = 0; name !== undefined && steps < 100; steps += 1) {
  let output;
  [item, output] = await run(node(name), item);
  passed.set(name, item);
  console.log(name);
  name = flow.connections[name]?.main[output]?.[0]?.node;
}
writeFileSync(saveTo, Buffer.from(await item.binary.film.arrayBuffer()));
