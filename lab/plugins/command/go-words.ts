/** The words Go's standard library uses, which the real provider passes on to people. */

const ESCAPES: Record<string, string> = {
  "\u0007": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
  '"': '\\"',
};

/** `%q`: a Go string literal. */
export function quoted(text: string): string {
  return `"${Array.from(text, quotedCharacter).join("")}"`;
}

function quotedCharacter(character: string): string {
  const known = ESCAPES[character];
  if (known) return known;
  if (character === " " || /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, "0")}`;
  return `\\U${code.toString(16).padStart(8, "0")}`;
}

const SIGNALS: Record<string, string> = {
  SIGHUP: "hangup",
  SIGINT: "interrupt",
  SIGQUIT: "quit",
  SIGILL: "illegal instruction",
  SIGABRT: "aborted",
  SIGBUS: "bus error",
  SIGFPE: "floating point exception",
  SIGKILL: "killed",
  SIGUSR1: "user defined signal 1",
  SIGSEGV: "segmentation fault",
  SIGUSR2: "user defined signal 2",
  SIGPIPE: "broken pipe",
  SIGALRM: "alarm clock",
  SIGTERM: "terminated",
};

/** How a process ended, or undefined when it ended well. */
export function exitWords(exitCode: number | undefined, signal: string | undefined): string | undefined {
  if (signal) return `signal: ${SIGNALS[signal] ?? signal}`;
  return exitCode === 0 ? undefined : `exit status ${exitCode}`;
}

const ERRNO: Record<string, string> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  ENOTDIR: "not a directory",
  E2BIG: "argument list too long",
  ENOEXEC: "exec format error",
  ENOMEM: "cannot allocate memory",
  EAGAIN: "resource temporarily unavailable",
};

/** Why a process did not start. */
export function startWords(file: string, code: string): string {
  if (code === "ENOENT" && !file.includes("/"))
    return `exec: ${quoted(file)}: executable file not found in $PATH`;
  return `fork/exec ${file}: ${ERRNO[code] ?? code}`;
}

/** Why a folder cannot be entered. */
export function folderWords(folder: string, code: string): string {
  return `chdir ${folder}: ${ERRNO[code] ?? code}`;
}
