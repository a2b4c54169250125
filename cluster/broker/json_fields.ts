// Reads the fields of JSON bodies as Apache's peers write them: absent and null read as the fallback, a wrong kind is
// a DecodeError that names the field. Knows no particular body.
import { DecodeError } from "../../core/errors.ts";
import { type JsonValue, LenientMap, mapEntries } from "../../core/json/json_value.ts";
import { parseLenientJsonBytes } from "../../core/json/lenient_reader.ts";

export class JsonFields {
  private readonly fields: ReadonlyMap<string, JsonValue>;

  constructor(value: JsonValue | undefined, private readonly where: string) {
    const isMap = value instanceof LenientMap ||
      (typeof value === "object" && value !== null && !Array.isArray(value));
    if (!isMap) throw new DecodeError(where, "not an object");
    this.fields = new Map(
      mapEntries(value as LenientMap).map(([name, field]) => [String(name), field]),
    );
  }

  /** The object that is a request's whole body; `where` names it in errors. */
  static ofBody(body: Uint8Array, where: string): JsonFields {
    return new JsonFields(body.length === 0 ? null : parseLenientJsonBytes(body), where);
  }

  /** The names of the fields there are. */
  names(): string[] {
    return [...this.fields.keys()];
  }

  text(name: string, fallback = ""): string {
    const value = this.fields.get(name);
    if (value === undefined || value === null) return fallback;
    if (typeof value !== "string") throw this.wrong(name, "a string");
    return value;
  }

  number(name: string, fallback = 0): number {
    const value = this.fields.get(name);
    if (value === undefined || value === null) return fallback;
    const number = typeof value === "string" && value !== "" ? Number(value) : value;
    if (typeof number === "bigint") return Number(number);
    if (typeof number !== "number" || Number.isNaN(number)) throw this.wrong(name, "a number");
    return number;
  }

  boolean(name: string, fallback = false): boolean {
    const value = this.fields.get(name);
    if (value === undefined || value === null) return fallback;
    if (value === "true" || value === "false") return value === "true";
    if (typeof value !== "boolean") throw this.wrong(name, "a boolean");
    return value;
  }

  /** The items of an array; empty when it is absent. */
  items(name: string): JsonValue[] {
    const value = this.fields.get(name);
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) throw this.wrong(name, "an array");
    return value;
  }

  texts(name: string): string[] {
    return this.items(name).map((item) => String(item));
  }

  objects(name: string): JsonFields[] {
    return this.items(name).map((item) => new JsonFields(item, `${this.where}.${name}`));
  }

  /** The object under a name; null when it is absent. */
  object(name: string): JsonFields | null {
    const value = this.fields.get(name);
    return value === undefined || value === null
      ? null
      : new JsonFields(value, `${this.where}.${name}`);
  }

  private wrong(name: string, kind: string): DecodeError {
    return new DecodeError(`${this.where}.${name}`, `not ${kind}`);
  }
}
