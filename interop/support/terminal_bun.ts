// A terminal that a test looks at and types into: a tmux session where there is tmux, and a pseudo-terminal of Bun's, which
// needs nothing on the machine.
import { runToEnd } from "./processes.ts";

export interface Terminal extends AsyncDisposable {
  /** What a person would see now. */
  screen(): Promise<string>;
  /** Types; "\x03" is Ctrl-C, "\n" the return key. */
  type(keys: string): Promise<void>;
}

export type OpenTerminal = (command: readonly string[]) => Promise<Terminal>;

const ESCAPE = "\x1b";
const ERASED_LINE = new RegExp(`[^\\n]*\\r${ESCAPE}\\[K`, "g");
const COLUMNS = 100;
const ROWS = 40;

/** Those that this machine has. */
export async function terminals(): Promise<[name: string, open: OpenTerminal][]> {
  const hasTmux = await openTmux(["sleep", "9"]).then(
    (terminal) => terminal[Symbol.asyncDispose]().then(() => true),
    () => false,
  );
  return [["a pseudo-terminal", openPseudoTerminal], ...(hasTmux ? [TMUX] : [])];
}

const TMUX: [string, OpenTerminal] = ["tmux", openTmux];
let sessions = 0;

async function openTmux(command: readonly string[]): Promise<Terminal> {
  // A server of its own, without the user's settings.
  const server = ["-L", `roquet-${process.pid}-${sessions++}`, "-f", "/dev/null"];
  const tmux = async (...args: string[]) => {
    const { code, stdout, stderr } = await runToEnd("tmux", [...server, ...args]);
    if (code !== 0) throw new Error(`tmux ${args[0]}: ${stderr}`);
    return stdout;
  };
  await tmux("new-session", "-d", "-x", `${COLUMNS}`, "-y", `${ROWS}`, ...command);
  return {
    screen: () => tmux("capture-pane", "-p"),
    async type(keys) {
      for (const key of keys) {
        if (key === "\x03") await tmux("send-keys", "C-c");
        else if (key === "\n") await tmux("send-keys", "Enter");
        else await tmux("send-keys", "-l", key);
      }
    },
    async [Symbol.asyncDispose]() {
      await tmux("kill-server").catch(() => {});
    },
  };
}

function openPseudoTerminal(command: readonly string[]): Promise<Terminal> {
  const decoder = new TextDecoder();
  let shown = "";
  const child = Bun.spawn([...command], {
    terminal: {
      cols: COLUMNS,
      rows: ROWS,
      data: (_, bytes) => void (shown += decoder.decode(bytes, { stream: true })),
    },
  });
  return Promise.resolve({
    // A line that was begun anew and erased is gone.
    screen: () => Promise.resolve(shown.replaceAll("\r\n", "\n").replace(ERASED_LINE, "")),
    type: (keys) => Promise.resolve(void child.terminal!.write(keys.replaceAll("\n", "\r"))),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
      child.terminal!.close();
    },
  });
}
