import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../tools/own-server.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const COMMAND = join(ROOT, 'packages/latchkey/src/command/main.ts');

type Environment = Readonly<Record<string, string>>;

/** What a process that has ended left behind. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder of the test's own, and how to be rid of it. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'latchkey-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

function start(
  file: string,
  args: readonly string[],
  environment: Environment,
  cwd = tmpdir(),
): ChildProcess {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(LATCHKEY_|PORT$|HOST$|NODE_OPTIONS$|NODE_TEST_CONTEXT$)/.test(name),
  );
  return spawn(process.execPath, ['--conditions=latchkey-source', file, ...args], {
    cwd,
    env: { ...Object.fromEntries(inherited), ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** Runs the command to its end. */
export async function run(
  args: readonly string[],
  environment: Environment,
  input = '',
  cwd = tmpdir(),
): Promise<Ended> {
  const child = start(COMMAND, args, environment, cwd);
  const output = collect(child);
  child.stdin?.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...output };
}

function collect(child: ChildProcess): { stdout: string; stderr: string } {
  const output = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  return output;
}

/** A program that runs, and what it has printed so far. */
export interface Running {
  readonly child: ChildProcess;
  readonly output: { readonly stdout: string; readonly stderr: string };
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts a program and waits until it prints `ready`. */
export async function startUntil(
  file: string,
  args: readonly string[],
  environment: Environment,
  ready: RegExp,
): Promise<Running> {
  const child = start(file, args, environment);
  const output = collect(child);
  const ended = once(child, 'close') as Promise<[number | null]>;
  const isReady = new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', () => {
      if (ready.test(output.stdout)) resolve();
    });
    child.once('close', () => reject(new Error(`it ended before it was ready: ${output.stderr}`)));
  });
  await isReady;
  return {
    child,
    output,
    end: async (signal) => {
      child.kill(signal);
      const [code] = await ended;
      return code;
    },
  };
}

/** Resolves when a running program has printed what is expected; rejects where it ends before. */
export async function printed({ child, output }: Running, expected: RegExp): Promise<void> {
  while (!expected.test(output.stdout)) {
    const ended = child.exitCode !== null || child.signalCode !== null;
    if (ended || child.stdout === null) throw new Error(`it ended without it: ${output.stderr}`);
    await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
  }
}

/** A standalone server of a test's own. */
export interface TestServer extends Running {
  readonly url: string;
  readonly port: number;
  /** The one-time link that it printed, or `null`. */
  readonly setupLink: string | null;
}

/** Starts `latchkey serve` on a free port, with its data in `data`. */
export async function startServer(data: string, environment: Environment = {}): Promise<TestServer> {
  const port = Number(environment['PORT'] ?? (await freePort()));
  const running = await startUntil(
    COMMAND,
    ['serve'],
    { LATCHKEY_DATA: data, PORT: String(port), ...environment },
    /"msg":"ready"/,
  );
  const setupLink = /^Make the first administrator.*: (\S+)$/m.exec(running.output.stdout)?.[1] ?? null;
  return { ...running, port, url: `http://localhost:${port}`, setupLink };
}

/** The session's cookie of an answer, as a request sends it. */
export function cookieOf(response: Response): string {
  return (response.headers.getSetCookie()[0] ?? '').split(';')[0] ?? '';
}

/** A JSON call as a program makes it. */
export function call(url: string, method: string, body?: unknown, cookie?: string): Promise<Response> {
  return fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...(cookie === undefined ? {} : { Cookie: cookie }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}
