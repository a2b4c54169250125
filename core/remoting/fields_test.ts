import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { RequestError } from "../errors.ts";
import { type Field, type Fields, optional, required, strict, tolerated } from "./code_row.ts";
import { allRows } from "./codes/index.ts";
import { UPDATE_CONSUMER_OFFSET } from "./codes/offsets.ts";
import { PULL_MESSAGE } from "./codes/pull.ts";
import { SEND_MESSAGE, SEND_MESSAGE_V2 } from "./codes/send.ts";
import { decodeFields, encodeFields } from "./fields.ts";
import { ResponseCode } from "./response_codes.ts";

const ext = (fields: Record<string, string>) => new Map(Object.entries(fields));

function refused(fields: Fields, values: Record<string, string>): RequestError {
  try {
    decodeFields(fields, ext(values));
  } catch (error) {
    if (error instanceof RequestError) return error;
    throw error;
  }
  throw new Error("not refused");
}

const sendV2 = {
  a: "g",
  b: "TopicA",
  c: "TBW102",
  d: "4",
  e: "0",
  f: "0",
  g: "1795232680377",
  h: "0",
  i: "K\u0001v\u0002",
};

describe("typed fields of a request", () => {
  test("come with their types, absent optional ones with Java's defaults or not at all", () => {
    const fields = decodeFields(SEND_MESSAGE_V2.request, ext({ ...sendV2, m: "true", k: "TRUE" }));
    expect(fields).toEqual({
      ...sendV2,
      d: 4,
      e: 0,
      f: 0,
      g: 1795232680377,
      h: 0,
      k: true,
      m: true,
    });
    expect(fields.l).toBeUndefined();
  });

  test("are refused with SYSTEM_ERROR and the field's name when a mandatory one is missing", () => {
    const { e: _, ...rest } = sendV2;
    const error = refused(SEND_MESSAGE_V2.request, rest);
    expect([error.code, error.remark]).toEqual([
      ResponseCode.SYSTEM_ERROR,
      "the custom field <e> is null",
    ]);
  });

  test("are refused when a mandatory number isn't one", () => {
    for (const text of ["x", "", "1.0", "0x1", " 1", "1 ", "2147483648", "-", "--1", "1e3"]) {
      const error = refused(SEND_MESSAGE_V2.request, { ...sendV2, e: text });
      expect([error.code, error.remark]).toEqual([1, "the custom field <e> is not an int"]);
    }
    const error = refused(SEND_MESSAGE_V2.request, { ...sendV2, g: "soon" });
    expect(error.remark).toBe("the custom field <g> is not a long");
  });

  test("do without what a 5.4.0 broker does without", () => {
    const { a: _a, c: _c, d: _d, ...rest } = sendV2;
    expect(decodeFields(SEND_MESSAGE_V2.request, ext(rest))).toMatchObject({ a: "", c: "", d: 4 });
    const pull = {
      consumerGroup: "g",
      topic: "t",
      queueId: "0",
      queueOffset: "0",
      maxMsgNums: "32",
      sysFlag: "0",
    };
    const fields = decodeFields(PULL_MESSAGE.request, ext(pull));
    expect(fields).toMatchObject({ suspendTimeoutMillis: 0, subVersion: 0 });
    // Never 0: a group's offset would be set back.
    expect(fields.commitOffset).toBeUndefined();
  });

  test("are refused with the code that a 5.4.0 broker gives, where it isn't SYSTEM_ERROR", () => {
    const commit = { consumerGroup: "g", topic: "t", queueId: "0", commitOffset: "1" };
    const codes = Object.keys(commit).map((name) => {
      const rest = new Map(Object.entries(commit).filter(([other]) => other !== name));
      return [name, refused(UPDATE_CONSUMER_OFFSET.request, Object.fromEntries(rest)).code];
    });
    expect(Object.fromEntries(codes)).toEqual({
      consumerGroup: ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      topic: ResponseCode.SYSTEM_ERROR,
      queueId: ResponseCode.INVALID_PARAMETER,
      commitOffset: ResponseCode.INVALID_PARAMETER,
    });
  });

  test("take a malformed optional number as absent, but not in the headers that Java reads strictly", () => {
    const long = {
      topic: "t",
      queueId: "0",
      sysFlag: "0",
      bornTimestamp: "1",
      flag: "0",
      reconsumeTimes: "x",
    };
    expect(decodeFields(SEND_MESSAGE.request, ext(long)).reconsumeTimes).toBeUndefined();
    expect(refused(SEND_MESSAGE_V2.request, { ...sendV2, j: "x" }).remark)
      .toBe("the custom field <j> is not an int");
  });

  test("take booleans as Java does: anything but true is false", () => {
    const read = (text: string) => decodeFields({ x: required("boolean") }, ext({ x: text })).x;
    expect(["true", "TRUE", "tRuE", "1", "yes", "", "false"].map(read))
      .toEqual([true, true, true, false, false, false, false]);
  });

  test("take doubles, and NaN", () => {
    const read = (text: string) => decodeFields({ x: optional("double") }, ext({ x: text })).x;
    expect(["0.5", "1e3", "-2", "NaN", "abc", ""].map(read))
      .toEqual([0.5, 1000, -2, NaN, undefined, undefined]);
  });

  test("carry Java's largest and smallest long to the other side unharmed", () => {
    for (const text of ["9223372036854775807", "-9223372036854775808", "9007199254740991"]) {
      const fields = { x: required("long") };
      expect(encodeFields(fields, decodeFields(fields, ext({ x: text }))).get("x")).toBe(text);
    }
  });

  test("leave undefined values out when encoding, and keep the row's order", () => {
    const fields = { b: optional("int"), a: optional("string"), c: tolerated("boolean", "") };
    expect([...encodeFields(fields, { c: false, b: 1, a: undefined })])
      .toEqual([["b", "1"], ["c", "false"]]);
  });

  test("are marked strict as a whole", () => {
    expect(strict({ x: optional("int", "A number.") }).x).toMatchObject({ strict: true });
  });

  test("come back the same for every row, whatever the values", () => {
    for (const row of allRows) {
      for (const fields of [row.request, row.response]) {
        fc.assert(
          fc.property(fieldValues(fields), (values) => {
            expect(decodeFields(fields, encodeFields(fields, values))).toEqual(values);
          }),
          { numRuns: 5 },
        );
      }
    }
  });
});

/** Values for all fields of a row. */
function fieldValues(fields: Fields): fc.Arbitrary<Record<string, string | number | boolean>> {
  const arbitraries = Object.entries(fields).map(([name, field]) => [name, valueOf(field)]);
  return fc.record(Object.fromEntries(arbitraries), { noNullPrototype: true });
}

function valueOf(field: Field): fc.Arbitrary<string | number | boolean> {
  switch (field.kind) {
    case "string":
      return fc.string();
    case "boolean":
      return fc.boolean();
    case "int":
      return fc.integer();
    case "long":
      return fc.maxSafeInteger();
    case "double":
      return fc.double();
  }
}
