// Why a message filter's text can't be one. Thrown inside this folder only: compile_filter.ts turns it into a value.

export class FilterSyntaxError extends Error {
  override readonly name = "FilterSyntaxError";

  /** `message` is what clients are told, in Apache's words; `position` is where, when that is known. */
  constructor(
    message: string,
    readonly position: { line: number; column: number } | null = null,
  ) {
    super(message);
  }
}
