// docs/PROTOCOL.md: the wire protocol as the request-code table declares it. Derived; states nothing of its own that
// a table of the code holds.
import type { CodeRow, Field, Fields } from "../../core/remoting/code_row.ts";
import { rpcFields, topicFields } from "../../core/remoting/codes/common.ts";
import { cutCodes } from "../../core/remoting/codes/cut_codes.ts";
import { codeFamilies, requestCodeName } from "../../core/remoting/codes/index.ts";
import { FRAME_BYTES_MAX, HEADER_BYTES_MAX, MIB } from "../../core/limits.ts";
import { languageName } from "../../core/remoting/language.ts";
import { ResponseCode, responseCodeName } from "../../core/remoting/response_codes.ts";
import { type GeneratedDoc, table, wholeDoc } from "./generated_doc.ts";

export const protocolDoc: GeneratedDoc = wholeDoc("docs/PROTOCOL.md", () =>
  [
    intro(),
    `## Fields that many requests share\n\n${fieldTable(topicFields)}`,
    ...codeFamilies.map((family) =>
      `## ${family.title}\n\n${family.rows.map(rowText).join("\n\n")}`
    ),
    `## Response codes\n\n${responseCodes()}`,
  ].join("\n\n"));

function intro(): string {
  return `# The remoting protocol

Apache RocketMQ 5.4.0's, as Roquet speaks it. Codes that nothing serves yet are answered
${ResponseCode.REQUEST_CODE_NOT_SUPPORTED} (REQUEST_CODE_NOT_SUPPORTED); COMPAT.md gives the reasons.

A frame is \`[total length: 4][header type: 1][header length: 3][header][body]\`, big-endian; the total doesn't count
itself. At most ${FRAME_BYTES_MAX / MIB} MiB a frame and ${HEADER_BYTES_MAX / MIB} MiB a header.

Header type 0 is JSON: \`{"code":…,"extFields":{…},"flag":…,"language":"JAVA","opaque":…,"remark":…,
"serializeTypeCurrentRPC":"JSON","version":…}\`; all values of extFields are strings. Header type 1 is binary:
code 2, language 1, version 2, opaque 4, flag 4, remark length 4 and text, length of the fields 4, then each field
as name length 2, name, value length 4, value. An empty value of a binary header is an absent field.
Flag 1 marks an answer, flag 2 a one-way request. An answer comes in the serialization of its request.

Languages of binary headers: ${languages()}.

The code of a binary header is a signed 16-bit number, so larger codes arrive cut and are taken for the whole ones:
${cutCodeList()}.

Request fields are mandatory, optional, or *tolerated*: marked mandatory by Apache, whose broker does without them.
A missing or malformed mandatory field is refused with SYSTEM_ERROR, unless the row names another code, and a remark
that names the field. A malformed optional field reads as absent, except in rows marked strict. Fields that a row
doesn't know pass through.`;
}

function languages(): string {
  return Array.from({ length: 14 }, (_, code) => `${code} ${languageName(code)}`).join(", ");
}

function cutCodeList(): string {
  return [...cutCodes].map(([cut, code]) => `${cut} for ${requestCodeName(code)}`).join(", ");
}

function rowText(row: CodeRow): string {
  const served = row.servedBy.length > 0 ? `Served by: ${row.servedBy.join(", ")}.` : "Not served.";
  const parts = [`### ${row.code} ${row.name}`, `${row.doc} ${served}`];
  const shared = sharedNote(row.request);
  const own = ownFields(row.request);
  if (Object.keys(own).length > 0) parts.push(`Request${shared}:`, fieldTable(own));
  else if (shared !== "") parts.push(`Request${shared}.`);
  if (Object.keys(row.response).length > 0) parts.push("Answer:", fieldTable(row.response));
  return parts.join("\n\n");
}

function sharedNote(fields: Fields): string {
  const note = "lo" in fields
    ? ", with all shared fields"
    : "ns" in fields
    ? ", with the shared fields but lo"
    : "";
  return isStrict(fields) ? `${note}; strict` : note;
}

function isStrict(fields: Fields): boolean {
  return Object.values(fields).some((field) => field.strict);
}

/** Without the shared ones, when all of them are there. */
function ownFields(fields: Fields): Fields {
  const shared = new Set("ns" in fields ? Object.keys({ ...rpcFields, ...topicFields }) : []);
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !shared.has(name)));
}

function fieldTable(fields: Fields): string {
  return table(
    ["field", "type", "", "meaning"],
    Object.entries(fields).map((
      [name, field],
    ) => [`\`${name}\``, field.kind, need(field), field.doc]),
  );
}

function need(field: Field): string {
  if (field.required) {
    return field.refusalCode === undefined
      ? "mandatory"
      : `mandatory, or ${responseCodeName(field.refusalCode)}`;
  }
  const kind = field.tolerated ? "tolerated" : "optional";
  return field.fallback === undefined ? kind : `${kind}, else ${JSON.stringify(field.fallback)}`;
}

function responseCodes(): string {
  return table(
    ["code", "name"],
    Object.entries(ResponseCode).map(([name, code]) => [`${code}`, name]),
  );
}
