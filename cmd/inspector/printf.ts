// The part of Java's printf that Apache's tools use, so that columns come out as theirs: %-20s, %4d, %.2f, %04d.
// Pure.

export type Printable = string | number | boolean | null | undefined;

const DIRECTIVE = /%(-?)(0?)(\d*)(?:\.(\d+))?([sdf%])/g;

/** A number that isn't one prints as 0, null and undefined as "null", as Java prints them. */
export function printf(format: string, ...values: Printable[]): string {
  let next = 0;
  return format.replace(
    DIRECTIVE,
    (_, left: string, zero: string, width: string, precision: string | undefined, kind: string) => {
      if (kind === "%") return "%";
      const text = toText(values[next++], kind, precision);
      const size = Number(width);
      if (left) return text.padEnd(size);
      return text.padStart(size, zero ? "0" : " ");
    },
  );
}

function toText(value: Printable, kind: string, precision: string | undefined): string {
  if (kind === "s") return String(value ?? null);
  const number = Number(value ?? 0);
  if (kind === "d") return String(Number.isFinite(number) ? Math.trunc(number) : 0);
  return (Number.isFinite(number) ? number : 0).toFixed(Number(precision ?? 6));
}
