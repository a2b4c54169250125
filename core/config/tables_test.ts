import { describe, expect, test } from "bun:test";
import { fixtureJson } from "../../testdata/fixtures.ts";
import { defaultOf, type Key, type KeyTable } from "./key.ts";
import { brokerKeys, namesrvKeys } from "./tables.ts";
import { fixtureMachine, machine } from "./testing.ts";

const { configDefaults } = fixtureJson<{
  configDefaults: Record<string, Record<string, string | number | boolean | null>>;
}>("api/java-5.4.0.json");

/** Apache's class by the last part of its name, with its recorded defaults. */
function recorded(className: string): [string, string][] {
  const [, defaults] = Object.entries(configDefaults).find(([name]) =>
    name.endsWith(`.${className}`)
  )!;
  return Object.entries(defaults).map(([name, value]) => [name, String(value)]);
}

function ourDefault(key: Key<unknown>): string {
  if (key.apacheDefault !== undefined) return key.apacheDefault;
  const value = defaultOf(key, fixtureMachine);
  return key.type === "double" && Number.isInteger(value) ? `${value}.0` : String(value);
}

/** Set by the server that the class serves, so each server's own table says it. */
const PER_SERVER = new Set(["NettyServerConfig.listenPort"]);

function mismatches(className: string, table: KeyTable): string[] {
  return recorded(className).flatMap(([name, value]) => {
    const key = table[name];
    if (!key) return [`${className}.${name} is missing`];
    if (PER_SERVER.has(`${className}.${name}`)) return [];
    // Kept by another class in the same file: the server's own wins there.
    if (key.owner !== className && !className.startsWith("Netty")) {
      if (className === "ControllerConfig" && key.owner === "NamesrvConfig") return [];
    }
    const ours = ourDefault(key);
    return sameValue(ours, value) ? [] : [`${className}.${name} is ${ours}, not ${value}`];
  });
}

const sameValue = (ours: string, theirs: string) =>
  ours === theirs || (ours !== "" && theirs !== "" && Number(ours) === Number(theirs));

describe("the configuration tables", () => {
  for (
    const [className, table] of [
      ["BrokerConfig", brokerKeys],
      ["MessageStoreConfig", brokerKeys],
      ["NettyServerConfig", brokerKeys],
      ["NettyClientConfig", brokerKeys],
      ["AuthConfig", brokerKeys],
      ["NamesrvConfig", namesrvKeys],
      ["NettyServerConfig", namesrvKeys],
      ["NettyClientConfig", namesrvKeys],
      ["ControllerConfig", namesrvKeys],
    ] as const
  ) {
    test(`know every key of ${className} in ${table === brokerKeys ? "broker" : "namesrv"}.conf with its default`, () => {
      expect(mismatches(className, table)).toEqual([]);
    });
  }

  const all = [
    ...Object.entries<Key<unknown>>(brokerKeys).map(([name, key]) =>
      ["broker", name, key] as const
    ),
    ...Object.entries<Key<unknown>>(namesrvKeys).map(([name, key]) =>
      ["namesrv", name, key] as const
    ),
  ];

  test("have defaults that their own schemas accept, and that aren't refused", () => {
    const wrong = all.flatMap(([file, name, key]) => {
      const value = defaultOf(key, machine);
      if (value === null) return [];
      const result = key.schema().safeParse(String(value));
      if (!result.success) return [`${file} ${name}: ${result.error.issues[0]?.message}`];
      if (result.data !== value) return [`${file} ${name}: ${value} reads as ${result.data}`];
      return key.refusal?.when(value) ? [`${file} ${name}: its default is refused`] : [];
    });
    expect(wrong).toEqual([]);
  });

  test("say what each key means, and why an ignored one has no effect", () => {
    const silent = all.filter(([, , key]) =>
      !/[.]$/.test(key.meaning) || (key.use === "ignored") !== (key.because !== undefined) ||
      (key.use === "refused") !== (key.refusal !== undefined)
    );
    expect(silent.map(([file, name]) => `${file} ${name}`)).toEqual([]);
  });

  test("let no path, secret, name or address be changed at run time", () => {
    const live = all.filter(([, , key]) => key.live);
    // The pattern of the one takes nothing but hours; the other goes nowhere but into messages, without control characters.
    const harmless = ["deleteWhen", "regionId"];
    const isText = (name: string, type: string) => type === "String" && !harmless.includes(name);
    const dangerous = live.filter(([, name, key]) =>
      key.path || key.secret || isText(name, key.type)
    );
    expect(dangerous.map(([, name]) => name)).toEqual([]);
    expect(live.filter(([, , key]) => key.use !== "used")).toEqual([]);
  });

  test("mark as secret whatever is named like one", () => {
    const secret = /secret|password|credential|accessKey|header$/i;
    const open = all.filter(([, name, key]) => secret.test(name) && !key.secret);
    expect(open.map(([, name]) => name)).toEqual([]);
  });

  test("use no alias that is a key itself", () => {
    for (const table of [brokerKeys, namesrvKeys] as KeyTable[]) {
      const aliases = Object.values(table).flatMap((key) => key.aliases ?? []);
      expect(new Set(aliases).size).toBe(aliases.length);
      expect(aliases.filter((alias) => alias in table)).toEqual([]);
    }
  });
});
