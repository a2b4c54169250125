import { describe, expect, test } from "bun:test";
import { fixtureJson } from "../../../testdata/fixtures.ts";
import type { CodeRow, Field, Fields } from "../code_row.ts";
import { ResponseCode, responseCodeName } from "../response_codes.ts";
import { cutCodes, uncutCode } from "./cut_codes.ts";
import { allRows, requestCodeName, rowByCode } from "./index.ts";

interface JavaField {
  name: string;
  type: string;
  notNull?: boolean;
  default?: string;
}

interface JavaHeader {
  abstract?: boolean;
  requestCode?: number;
  fields?: JavaField[];
}

interface JavaApi {
  constants: Record<string, Record<string, number>>;
  headers: Record<string, JavaHeader>;
}

const api = fixtureJson<JavaApi>("api/java-5.4.0.json");
const constantsOf = (name: string) =>
  api.constants[`org.apache.rocketmq.remoting.protocol.${name}`]!;

/** Headers that share a code with another class's, or that carry an answer; found in Apache's processors. */
const CODES_OF_HEADERS: Record<string, number[]> = {
  SendMessageRequestHeader: [10, 324],
  SendMessageRequestHeaderV2: [310, 320, 325],
  SendMessageResponseHeader: [10, 310, 320, 324, 325],
  PullMessageRequestHeader: [11, 361],
  PullMessageResponseHeader: [11, 361],
  CreateTopicRequestHeader: [17, 513],
  ResetOffsetRequestHeader: [222, 220],
  GetConsumerStatusRequestHeader: [223, 221],
  GetBrokerConfigResponseHeader: [26],
  GetMetaDataResponseHeader: [1005],
  PopMessageResponseHeader: [200050, 200052],
};

/** Declared in 5.4.0, used by no request code. */
const UNUSED_HEADERS = [
  "InitConsumerOffsetRequestHeader",
  "RegisterOrderTopicRequestHeader",
  "StatisticsMessagesRequestHeader",
];

/** Not marked, yet a 5.4.0 broker fails without them. */
const NEEDED_UNMARKED = ["345.topic", "321.topic"];

const PRIMITIVES = ["int", "long", "boolean", "double"];

function codesOf(name: string, header: JavaHeader): number[] {
  const listed = CODES_OF_HEADERS[name];
  if (listed !== undefined) return listed;
  if (header.requestCode) return [header.requestCode];
  const request = api.headers[name.replace("ResponseHeader", "RequestHeader")];
  return request?.requestCode ? [request.requestCode] : [];
}

function kindOf(javaType: string): string {
  const name = javaType.split(".").at(-1)!;
  if (name === "Integer" || name === "int") return "int";
  return name === "BoundaryType" ? "string" : name.toLowerCase();
}

function isRequest(name: string): boolean {
  return !name.includes("Response");
}

function servedHeaders(): [name: string, header: JavaHeader, rows: CodeRow[]][] {
  return Object.entries(api.headers)
    .filter(([name, header]) => !header.abstract && !UNUSED_HEADERS.includes(name))
    .map(([name, header]) => [name, header, codesOf(name, header).map((code) => rowByCode(code)!)]);
}

describe("the table of request codes", () => {
  test("has exactly one row for every constant of RequestCode, and beyond them only DLedger's", () => {
    const constants = Object.entries(constantsOf("RequestCode"));
    for (const [name, code] of constants) {
      expect(allRows.filter((row) => row.code === code).map((row) => row.name)).toEqual([name]);
    }
    const known = new Set(constants.map(([, code]) => code));
    const others = allRows.filter((row) => !known.has(row.code));
    expect(others.every((row) => row.name.startsWith("DLEDGER_"))).toBe(true);
    expect(new Set(allRows.map((row) => row.name)).size).toBe(allRows.length);
    expect(requestCodeName(310)).toBe("SEND_MESSAGE_V2");
    expect(requestCodeName(9999)).toBe("REQUEST_CODE_9999");
  });

  test("says of every row who serves it or why nobody does, and what it is", () => {
    for (const row of allRows) {
      expect({ row: row.name, served: row.servedBy.length > 0 })
        .toEqual({ row: row.name, served: row.whyNotServed === undefined });
      expect(row.doc).toMatch(/\.$/);
      for (const field of [...Object.values(row.request), ...Object.values(row.response)]) {
        expect(field.doc).not.toBe("");
      }
    }
  });

  test("has a code for every header class", () => {
    for (const [name, , rows] of servedHeaders()) {
      expect({ name, rows: rows.length > 0 && rows.every((row) => row !== undefined) })
        .toEqual({ name, rows: true });
    }
  });

  test("has every field of every header class, with its type", () => {
    for (const [name, header, rows] of servedHeaders()) {
      for (const row of rows) {
        const fields: Fields = isRequest(name) ? row.request : row.response;
        for (const javaField of header.fields ?? []) {
          const where = `${row.name}.${javaField.name}`;
          expect({ where, kind: fields[javaField.name]?.kind as string })
            .toEqual({ where, kind: kindOf(javaField.type) });
        }
      }
    }
  });

  test("requires what Apache marks not-null, but for what its processors do without", () => {
    for (const [name, header, rows] of servedHeaders().filter(([name]) => isRequest(name))) {
      for (const row of rows) {
        for (const javaField of header.fields ?? []) {
          const field = row.request[javaField.name] as Field;
          const where = `${row.code}.${javaField.name}`;
          const isMarked = javaField.notNull === true && javaField.default === undefined &&
            !PRIMITIVES.includes(javaField.type);
          const isNeeded = isMarked || NEEDED_UNMARKED.includes(where);
          expect({ name, where, needed: field.required || field.tolerated === true })
            .toEqual({ name, where, needed: isNeeded });
        }
      }
    }
  });

  test("gives absent primitives Java's defaults", () => {
    for (const [name, header, rows] of servedHeaders()) {
      for (const javaField of header.fields ?? []) {
        // invokeTime's default is the time at which the header was made.
        if (!PRIMITIVES.includes(javaField.type) || javaField.name === "invokeTime") continue;
        for (const row of rows) {
          const field = (isRequest(name) ? row.request : row.response)[javaField.name]!;
          expect({ row: row.name, field: javaField.name, fallback: String(field.fallback) })
            .toEqual({ row: row.name, field: javaField.name, fallback: javaField.default! });
        }
      }
    }
  });

  test("knows what codes above 32767 become in binary headers, and that none collides", () => {
    const large = Object.values(constantsOf("RequestCode")).filter((code) => code > 32767);
    expect([...cutCodes.values()].sort()).toEqual(large.sort());
    for (const code of large) expect(uncutCode(code << 16 >> 16)).toBe(code);
    for (const cut of cutCodes.keys()) expect(rowByCode(cut)).toBeUndefined();
    expect(cutCodes.get(3442)).toBe(200050);
    expect(cutCodes.get(3543)).toBe(200151);
    for (const row of allRows.filter((row) => row.code <= 32767)) {
      expect(uncutCode(row.code)).toBe(row.code);
    }
  });
});

describe("the response codes", () => {
  test("are those of ResponseCode and RemotingSysResponseCode", () => {
    expect(ResponseCode as Record<string, number>).toEqual(constantsOf("ResponseCode"));
    expect(ResponseCode).toMatchObject(constantsOf("RemotingSysResponseCode"));
  });

  test("have names", () => {
    expect(responseCodeName(0)).toBe("SUCCESS");
    expect(responseCodeName(-1006)).toBe("RPC_TIME_OUT");
    expect(responseCodeName(77)).toBe("RESPONSE_CODE_77");
  });
});
