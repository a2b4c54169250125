// The vocabulary of the request-code table: a row declares one code with its typed fields, and types, codecs,
// documents and generators are derived from it. The rows are in codes/, one file per family.

export type FieldKind = "string" | "int" | "long" | "boolean" | "double";

export interface Field<K extends FieldKind = FieldKind, Required extends boolean = boolean> {
  kind: K;
  /** A missing required field is refused with the answer Apache gives, naming it. */
  required: Required;
  /** What an absent optional field reads as (Java's primitive defaults); undefined when it stays absent. */
  fallback?: ValueOf<K>;
  /** The response code that refuses a missing required field, where it isn't SYSTEM_ERROR. */
  refusalCode?: number;
  /** Apache marks it not-null, yet its processor does without it (found out with a 5.4.0 broker). */
  tolerated?: true;
  /** A malformed value is refused even though the field is optional (Java's FastCodesHeader classes). */
  strict?: true;
  doc: string;
}

export type Fields = Record<string, Field>;

type ValueOf<K extends FieldKind> = K extends "string" ? string
  : K extends "boolean" ? boolean
  : number;

type Present<F> = F extends { required: true } ? true
  : F extends { fallback: string | number | boolean } ? true
  : false;

/** The typed fields of a row: `{ topic: string; queueId?: number }`. A long is a number (safe to 2^53). */
export type FieldsOf<F extends Fields> =
  & { -readonly [N in keyof F as Present<F[N]> extends true ? N : never]: ValueOf<F[N]["kind"]> }
  & { -readonly [N in keyof F as Present<F[N]> extends true ? never : N]?: ValueOf<F[N]["kind"]> };

export type Role = "namesrv" | "broker" | "client" | "controller" | "proxy" | "dledger";

export interface CodeRow<Q extends Fields = Fields, A extends Fields = Fields> {
  code: number;
  /** Apache's constant name in RequestCode. */
  name: string;
  request: Q;
  response: A;
  /** Who answers it in Roquet; empty while nothing does (docs/COMPAT.md lists those). */
  servedBy: readonly Role[];
  /** For docs/COMPAT.md, when servedBy is empty. */
  whyNotServed?: string;
  doc: string;
}

export function required<K extends FieldKind>(
  kind: K,
  doc?: string,
  refusalCode?: number,
): Field<K, true> {
  const field: Field<K, true> = { kind, required: true, doc: doc ?? "" };
  return refusalCode === undefined ? field : { ...field, refusalCode };
}

export function optional<K extends FieldKind>(kind: K, doc?: string): Field<K, false>;
export function optional<K extends FieldKind>(
  kind: K,
  doc: string | undefined,
  fallback: ValueOf<K>,
): Field<K, false> & { fallback: ValueOf<K> };
export function optional<K extends FieldKind>(
  kind: K,
  doc?: string,
  fallback?: ValueOf<K>,
): Field<K, false> {
  const field: Field<K, false> = { kind, required: false, doc: doc ?? "" };
  return fallback === undefined ? field : { ...field, fallback };
}

/** A field that Apache marks not-null and then does without: optional here, and said so in docs/PROTOCOL.md. */
export function tolerated<K extends FieldKind>(kind: K, doc: string): Field<K, false>;
export function tolerated<K extends FieldKind>(
  kind: K,
  doc: string,
  fallback: ValueOf<K>,
): Field<K, false> & { fallback: ValueOf<K> };
export function tolerated<K extends FieldKind>(
  kind: K,
  doc: string,
  fallback?: ValueOf<K>,
): Field<K, false> {
  const field: Field<K, false> = { kind, required: false, doc, tolerated: true };
  return fallback === undefined ? field : { ...field, fallback };
}

/** Marks all fields of a header as strict. */
export function strict<const F extends Fields>(fields: F): F {
  const marked = Object.entries(fields).map(([name, field]) => [name, { ...field, strict: true }]);
  return Object.fromEntries(marked) as F;
}

/** Declares a row; the type parameters keep the field types for `FieldsOf`. */
export function row<const Q extends Fields, const A extends Fields>(
  declaration: CodeRow<Q, A>,
): CodeRow<Q, A> {
  return declaration;
}

export type RequestFieldsOf<R> = R extends CodeRow<infer Q, Fields> ? FieldsOf<Q> : never;
export type ResponseFieldsOf<R> = R extends CodeRow<Fields, infer A> ? FieldsOf<A> : never;
