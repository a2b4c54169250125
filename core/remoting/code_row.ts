// The vocabulary of the request-code table: a row declares one code with its typed fields, and types, codecs,
// documents and generators are derived from it. The rows are in codes/, one file per family.

export type FieldKind = "string" | "int" | "long" | "boolean" | "double";

export interface Field<K extends FieldKind = FieldKind, Required extends boolean = boolean> {
  kind: K;
  /** A missing required field is refused with the answer Apache gives, naming it. */
  required: Required;
  /** What an absent optional field reads as (Java's primitive defaults); undefined when it stays absent. */
  fallback?: ValueOf<K>;
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
  doc: string;
}

export function required<K extends FieldKind>(kind: K, doc = ""): Field<K, true> {
  return { kind, required: true, doc };
}

export function optional<K extends FieldKind>(kind: K, doc?: string): Field<K, false>;
export function optional<K extends FieldKind>(
  kind: K,
  doc: string | undefined,
  fallback: ValueOf<K>,
): Field<K, false> & { fallback: ValueOf<K> };
export function optional<K extends FieldKind>(
  kind: K,
  doc = "",
  fallback?: ValueOf<K>,
): Field<K, false> {
  return fallback === undefined
    ? { kind, required: false, doc }
    : { kind, required: false, doc, fallback };
}

/** Declares a row; the type parameters keep the field types for `FieldsOf`. */
export function row<const Q extends Fields, const A extends Fields>(
  declaration: CodeRow<Q, A>,
): CodeRow<Q, A> {
  return declaration;
}

export type RequestFieldsOf<R> = R extends CodeRow<infer Q, Fields> ? FieldsOf<Q> : never;
export type ResponseFieldsOf<R> = R extends CodeRow<Fields, infer A> ? FieldsOf<A> : never;
