// The typed side of a call: what is given for a row's request and what is read from its answer.
// Sends nothing.
import type { Fields, FieldsOf } from "./code_row.ts";
import type { RemotingCommand } from "./command.ts";
import { decodeFields } from "./fields.ts";

/** The fields of a request as its sender gives them: what isn't required may be left out. */
export type GivenFields<F extends Fields> =
  & Pick<FieldsOf<F>, RequiredNames<F> & keyof FieldsOf<F>>
  & Partial<FieldsOf<F>>;

type RequiredNames<F extends Fields> = {
  [N in keyof F]: F[N] extends { required: true } ? N : never;
}[keyof F];

/** An answer with its fields by the row. All are optional: a refusal carries none. */
export interface CallAnswer<A extends Fields> {
  code: number;
  remark: string | null;
  fields: Partial<FieldsOf<A>>;
  body: Uint8Array;
  command: RemotingCommand;
}

/** Reads an answer by the row; throws nothing for fields that it lacks. */
export function readAnswer<A extends Fields>(
  row: { response: A },
  command: RemotingCommand,
): CallAnswer<A> {
  const { code, remark, body, extFields } = command;
  const fields = decodeFields(allOptional(row.response), extFields) as Partial<FieldsOf<A>>;
  return { code, remark, fields, body, command };
}

const optionalFields = new WeakMap<Fields, Fields>();

/** The same fields with none required: what an answer lacks stays absent. */
function allOptional(fields: Fields): Fields {
  let optional = optionalFields.get(fields);
  if (optional === undefined) {
    optional = Object.fromEntries(
      Object.entries(fields).map(([name, field]) => [name, { ...field, required: false }]),
    );
    optionalFields.set(fields, optional);
  }
  return optional;
}
