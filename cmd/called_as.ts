// Which command the binary acts as by the name it was called through. Loads nothing else: scripts start it often.

/** Links by these names act as the command. */
const COMMAND_OF_LINK = new Map([
  ["mqnamesrv", "namesrv"],
  ["mqbroker", "broker"],
  ["mqadmin", "inspector"],
]);

/** Arguments as if the command had been named, when the binary was called through one of Apache's names. */
export function argumentsOf(calledAs: string, args: readonly string[]): string[] {
  const name = calledAs.slice(calledAs.lastIndexOf("/") + 1);
  const command = COMMAND_OF_LINK.get(name);
  return command === undefined ? [...args] : [command, ...args];
}
