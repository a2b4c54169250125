// The client languages of a header: a name in JSON headers, one byte in binary ones (Java: LanguageCode).

const NAMES = [
  "JAVA",
  "CPP",
  "DOTNET",
  "PYTHON",
  "DELPHI",
  "ERLANG",
  "RUBY",
  "OTHER",
  "HTTP",
  "GO",
  "PHP",
  "OMS",
  "RUST",
  "NODE_JS",
] as const;

const OTHER = 7;
const codesByName = new Map<string, number>(NAMES.map((name, code) => [name, code]));

/** The name for a language byte; a byte that nobody has defined reads as "OTHER", where Java has null. */
export function languageName(code: number): string {
  return NAMES[code] ?? "OTHER";
}

/** The byte for a language name; that of OTHER for a name that binary headers can't carry. */
export function languageCode(name: string): number {
  return codesByName.get(name) ?? OTHER;
}
