// roquet man: prints the man page.
import { EXIT_DONE, EXIT_USAGE } from "../server_process.ts";
import type { Console } from "../console.ts";
import { manPage } from "./man_page.ts";

export function runMan(args: readonly string[], console: Console): number {
  if (args.length > 0 && args[0] !== "--help" && args[0] !== "-h") {
    console.complain(`roquet man: takes no arguments, but got '${args[0]}'`);
    console.complain("Try: roquet man --help");
    return EXIT_USAGE;
  }
  const usage = "Usage: roquet man\n\nPrints the man page. Example: roquet man | man -l -";
  console.print(args.length > 0 ? usage : manPage().trimEnd());
  return EXIT_DONE;
}
