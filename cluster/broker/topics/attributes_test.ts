import { expect, test } from "bun:test";
import { parseAttributeChange } from "./attributes.ts";

test("changes of attributes are read as mqadmin sends them", () => {
  expect(parseAttributeChange("")).toEqual({});
  expect(parseAttributeChange("+a=b,-c")).toEqual({ "+a": "b", "-c": "" });
  expect(parseAttributeChange("+a=b,")).toEqual({ "+a": "b" });
});

test.each([
  ["a", "delete attribute format is wrong: a"],
  ["+a", "delete attribute format is wrong: +a"],
  ["x=y=z", "add/alter attribute format is wrong: x"],
  ["+message.type=", "Index 1 out of bounds for length 1"],
  ["+a=b,+a=c", "key duplication: +a"],
])("the change %p is refused in Java's words", (text, problem) => {
  expect(() => parseAttributeChange(text)).toThrow(problem);
});
