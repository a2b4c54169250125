// Reading and changing the configuration from afar: an allow-list, and a refusal changes nothing.
import { Buffer } from "node:buffer";
import { expect, test } from "bun:test";
import { GET_BROKER_CONFIG, UPDATE_BROKER_CONFIG } from "../../../core/remoting/codes/admin.ts";
import { bodyText, openTestAdmin, type TestAdmin } from "./testing_admin.ts";

const BLACK_LISTED = { code: 16, remark: "Can not update config in black list." };

async function update({ server }: TestAdmin, text: string) {
  const { code, remark } = await server.ask(UPDATE_BROKER_CONFIG, {}, Buffer.from(text));
  return { code, remark };
}

test("a live key changes, and the configuration shows it under a new version", async () => {
  await using admin = await openTestAdmin();
  const before = await admin.server.ask(GET_BROKER_CONFIG);
  expect(await update(admin, "maxTransferCountOnMessageInMemory=31\n"))
    .toEqual({ code: 0, remark: null });
  const after = await admin.server.ask(GET_BROKER_CONFIG);
  expect(bodyText(after)).toContain("maxTransferCountOnMessageInMemory=31\n");
  expect(JSON.parse(before.fields["version"]!)).toMatchObject({ counter: 0, stateVersion: 0 });
  expect(JSON.parse(after.fields["version"]!)).toMatchObject({ counter: 1 });
});

test("keys of the black list are refused as Apache refuses them, whatever their value", async () => {
  await using admin = await openTestAdmin();
  const blackList = admin.config.values.configBlackList;
  expect(await update(admin, "brokerConfigPath=/tmp/x")).toEqual(BLACK_LISTED);
  expect(await update(admin, "rocketmqHome=/tmp/x")).toEqual(BLACK_LISTED);
  expect(await update(admin, `configBlackList=${blackList}`)).toEqual(BLACK_LISTED);
});

test("paths, secrets and keys that need a restart are refused, and nothing of the request is applied", async () => {
  await using admin = await openTestAdmin();
  const before = admin.config.render();
  for (const key of ["storePathRootDir=/etc", "listenPort=1", "storePathCommitLog=/etc/passwd"]) {
    expect(await update(admin, `maxTransferCountOnMessageInMemory=30\n${key}`))
      .toEqual(BLACK_LISTED);
  }
  expect(admin.config.render()).toBe(before);
});

test("a key that is set to what it is already is no change", async () => {
  await using admin = await openTestAdmin();
  expect(await update(admin, "flushConsumerOffsetInterval=5000"))
    .toEqual({ code: 0, remark: null });
});

test("a bad value is refused with its reason, an unknown key is taken without effect", async () => {
  await using admin = await openTestAdmin();
  const bad = await update(admin, "maxTransferCountOnMessageInMemory=many");
  expect(bad.code).toBe(1);
  expect(bad.remark).toContain("maxTransferCountOnMessageInMemory=many");
  expect(await update(admin, "noSuchKey=1")).toEqual({ code: 0, remark: null });
  expect(admin.config.render()).not.toContain("noSuchKey");
});

test("the update that made Apache's broker run a command (CVE-2023-33246) changes nothing", async () => {
  await using admin = await openTestAdmin();
  const before = admin.config.render();
  const exploit = "filterServerNums=1\nrocketmqHome=-c $@|sh . echo touch /tmp/pwned;\n";
  expect(await update(admin, exploit)).toEqual(BLACK_LISTED);
  expect(await update(admin, "filterServerNums=1\nnamesrvAddr=evil:9876")).toEqual(BLACK_LISTED);
  expect(admin.config.render()).toBe(before);
});
