import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

/**
 * Runs a program until standard input ends, which it does whatever the process that started
 * it dies of. So nothing is left behind, and Ctrl-C is for that process alone.
 */
const KEEP =
  'exec 3<&0; "$@" </dev/null 3<&- & program=$!; { cat <&3 >/dev/null; kill -TERM "$program" 2>/dev/null; } & wait "$program"';
const READY_WITHIN_MS = 60_000;

/** How a program is started. */
export interface Recipe {
  readonly name: string;
  readonly command: readonly [program: string, ...args: string[]];
  readonly cwd?: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A program that runs. */
export interface Program {
  readonly name: string;
  /** Resolves when it has ended, with the last of what it had to complain of. */
  readonly ended: Promise<string>;
  end(): Promise<void>;
}

/** Starts a program that says nothing when it is ready. */
export function startProgram({
  name,
  command,
  cwd,
  env,
}: Recipe): Program & { readonly child: ChildProcess } {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn('sh', ['-c', KEEP, 'sh', ...command], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { PATH, HOME, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = `${complaints}${text}`.slice(-2_000);
  });
  // It may be gone before its input is ended.
  child.stdin.on('error', () => undefined);
  const ended = once(child, 'exit').then(() => complaints.trim());
  const end = async (): Promise<void> => {
    child.stdin.end();
    await ended;
  };
  return { name, child, ended, end };
}

/**
 * Starts a service, and answers the port that it says it is ready on.
 *
 * @throws what it complained of, where it ended before.
 */
export async function startService(recipe: Recipe): Promise<Program & { readonly port: number }> {
  const { child, ...program } = startProgram(recipe);
  let said = '';
  const ready = new Promise<number>((resolve) => {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const [, port] = /ready on (\d+)/.exec(said) ?? [];
      if (port !== undefined) resolve(Number(port));
    });
  });
  const late = AbortSignal.timeout(READY_WITHIN_MS);
  const slow = once(late, 'abort').then(() => `it was not ready within ${READY_WITHIN_MS / 1_000} s`);
  const outcome = await Promise.race([ready, program.ended, slow]);
  if (typeof outcome === 'number') return { ...program, port: outcome };
  await program.end();
  throw new Error(`${recipe.name} did not start: ${outcome}`);
}

/** The first of these with which a trial ends well; `null` where there is none. */
export function findProgram(names: readonly string[], ...trial: readonly string[]): string | null {
  return names.find((name) => spawnSync(name, trial, { stdio: 'ignore' }).status === 0) ?? null;
}
