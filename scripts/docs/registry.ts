// Every generated document, or part of one. `deno task docs` writes them; generate_docs_test.ts compares them.
import { CONFIG_DOC_PATH, configDoc } from "../config_doc.ts";
import { cliDoc, manDoc } from "./cli_doc.ts";
import { compatDoc } from "./compat_doc.ts";
import type { GeneratedDoc } from "./generated_doc.ts";
import { protocolDoc } from "./protocol_doc.ts";

const configDocument: GeneratedDoc = { path: CONFIG_DOC_PATH, render: configDoc };

export const generatedDocs: readonly GeneratedDoc[] = [
  cliDoc,
  manDoc,
  protocolDoc,
  compatDoc,
  configDocument,
];
