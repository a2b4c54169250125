// Every generated document, or part of one. `deno task docs` writes them; generate_docs_test.ts compares them.
import { compatDoc } from "./compat_doc.ts";
import type { GeneratedDoc } from "./generated_doc.ts";
import { protocolDoc } from "./protocol_doc.ts";

export const generatedDocs: readonly GeneratedDoc[] = [protocolDoc, compatDoc];
