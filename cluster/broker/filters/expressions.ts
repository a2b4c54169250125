// Expressions of consumers, compiled once each and kept a while: pulls that carry their own subscription bring the same
// text again and again (Java: FilterFactory, SelectorParser's cache).
import {
  type CompiledFilter,
  compileFilter,
  type MessageFilter,
} from "../../../core/filter/compile_filter.ts";

export const EXPRESSION_SQL92 = "SQL92";

/** Compiled expressions kept; the least recently used goes first. */
const EXPRESSIONS_MAX = 256;

export class Expressions {
  private readonly compiled = new Map<string, CompiledFilter>();

  /** The expression compiled, or the refusal for the client. */
  compile(expression: string, type: string): CompiledFilter {
    if (type !== EXPRESSION_SQL92) {
      return { error: `unknown expression type ${type}`, position: null };
    }
    const known = this.compiled.get(expression);
    const compiled = known ?? compileFilter(expression);
    this.compiled.delete(expression);
    this.compiled.set(expression, compiled);
    if (this.compiled.size > EXPRESSIONS_MAX) {
      const [oldest] = this.compiled.keys();
      this.compiled.delete(oldest!);
    }
    return compiled;
  }

  /** The filter; null when the expression can't be compiled. */
  filter(expression: string, type: string): MessageFilter | null {
    const compiled = this.compile(expression, type);
    return "filter" in compiled ? compiled.filter : null;
  }
}
