// Kinds of option values that both benchmarks have, and the refusal of what isn't served. Pure.
import { UsageError } from "../../core/errors.ts";
import { bool, count, defaulted, optional, text, type ValueKind } from "../inspector/option.ts";

/** A whole number from 0 up. */
export const amount: ValueKind<number> = {
  metavar: "N",
  parse(value) {
    if (!/^\d{1,15}$/.test(value)) throw new UsageError(`'${value}' isn't a number from 0 up`);
    return Number(value);
  },
};

/** A number above 0, with or without a fraction. */
export const positive: ValueKind<number> = {
  metavar: "N",
  parse(value) {
    const number = /^\d+(\.\d+)?$/.test(value) ? Number(value) : 0;
    if (number <= 0) throw new UsageError(`'${value}' isn't a number above 0`);
    return number;
  },
};

/** A share from 0 to 1. */
export const share: ValueKind<number> = {
  metavar: "0..1",
  parse(value) {
    const number = /^\d+(\.\d+)?$/.test(value) ? Number(value) : NaN;
    if (!(number >= 0 && number <= 1)) throw new UsageError(`'${value}' isn't from 0 to 1`);
    return number;
  },
};

/** Options that Apache's benchmarks have and that need what isn't there, so that they are refused rather than unknown. */
export const UNSERVED_OPTIONS = {
  msgTraceEnable: defaulted("m", "msgTraceEnable", bool, false, "not served: message trace"),
  aclEnable: defaulted("a", "aclEnable", bool, false, "not served: access control"),
  accessKey: optional("ak", "accessKey", text, "goes with -a"),
  secretKey: optional("sk", "secretKey", text, "goes with -a"),
};

export const REPORT_OPTIONS = {
  reportInterval: defaulted("ri", "reportInterval", count, 10_000, "ms between reports"),
  duration: optional(null, "duration", positive, "end after so many seconds"),
};

/** Throws UsageError when a switch is on that would measure something else than it says. */
export function refuseUnserved(options: { msgTraceEnable: boolean; aclEnable: boolean }): void {
  if (options.msgTraceEnable) {
    throw new UsageError("-m true: messages can't be traced yet; leave -m out");
  }
  if (options.aclEnable) {
    throw new UsageError("-a true: this client can't sign requests yet; leave -a, -ak and -sk out");
  }
}
