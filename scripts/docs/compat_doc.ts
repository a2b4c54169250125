// The generated part of docs/COMPAT.md: request codes of 5.4.0 that nothing in Roquet serves, with the reason of each.
import { allRows } from "../../core/remoting/codes/index.ts";
import { docPart, type GeneratedDoc, table } from "./generated_doc.ts";

export const compatDoc: GeneratedDoc = docPart("docs/COMPAT.md", () => {
  const unserved = allRows.filter((row) => row.servedBy.length === 0);
  const served = allRows.length - unserved.length;
  return `## Request codes that are not served

${served} of ${allRows.length} codes are served. These are answered REQUEST_CODE_NOT_SUPPORTED:

${
    table(
      ["code", "name", "what it is", "why not"],
      unserved.map((row) => [`${row.code}`, row.name, row.doc, row.whyNotServed ?? ""]),
    )
  }`;
});
