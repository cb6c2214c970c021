import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A server in a process of its own, as the process that measures it sees it. */
export interface MeasuredServer {
  readonly port: number;
  /** Processor time that the process has used so far, all threads and the kernel's share, in microseconds. */
  cpu(): Promise<number>;
  stop(): Promise<void>;
}

/** How long a child may take to start or to answer, in milliseconds. */
const PATIENCE = 30_000;
/** The same where it has a lot to do. */
const LONG = 10 * PATIENCE;

/**
 * Starts a file of this folder as a server of its own. Its standard output goes to
 * `/dev/null`: log lines are made and written, and no terminal slows them down.
 */
export async function startServer(file: string, parameters: readonly string[]): Promise<MeasuredServer> {
  const child = forkFile(file, parameters);
  const port = await numberFrom(child);
  return {
    port,
    cpu: () => {
      child.send('cpu');
      return numberFrom(child);
    },
    stop: async () => {
      const gone = once(child, 'exit');
      child.send('stop');
      await gone;
    },
  };
}

/** Runs a file of this folder in a process of its own, with flags of Node's, and returns the one message that it sends. */
export async function runAlone(
  file: string,
  parameters: readonly string[],
  flags: readonly string[] = [],
  patience = LONG,
): Promise<unknown> {
  return messageFrom(forkFile(file, parameters, flags), patience);
}

/** A process that sends several messages, one after the other. */
export interface Teller {
  /** What it sends next; waits for so many milliseconds at the most. */
  next(patience?: number): Promise<unknown>;
  tell(message: string): void;
}

/** Starts a file of this folder in a process of its own, to be heard while others run beside it. */
export function startTeller(file: string, parameters: readonly string[]): Teller {
  const child = forkFile(file, parameters);
  const told: unknown[] = [];
  child.on('message', (message) => void told.push(message));
  return {
    next: async (patience = LONG) => {
      if (told.length === 0) await messageFrom(child, patience);
      return told.shift();
    },
    tell: (message) => void child.send(message),
  };
}

/** Says something to the parent, and resolves when it is on its way. */
export function tellParent(message: object): Promise<void> {
  return new Promise((resolve) => process.send?.(message, () => resolve()));
}

/** Reads the lists of numbers that a child sent by their names. */
export function listsFrom(sent: unknown): (name: string) => readonly number[] {
  return (name) => {
    const list: unknown = typeof sent === 'object' && sent !== null ? Reflect.get(sent, name) : undefined;
    if (!Array.isArray(list)) throw new TypeError(`a child of the benchmark sent no list ${name}`);
    return list.map(Number);
  };
}

/** Reads the numbers that a child sent by their names. */
export function numbersFrom(sent: unknown): (name: string) => number {
  return (name) => {
    const value: unknown = typeof sent === 'object' && sent !== null ? Reflect.get(sent, name) : undefined;
    if (typeof value !== 'number') throw new TypeError(`a child of the benchmark sent no ${name}`);
    return value;
  };
}

/** The child's side of `startServer`: says where it listens, and answers until it is told to stop. */
export function answerParent(port: number, close: () => Promise<void>): void {
  process.on('message', (message) => {
    if (message === 'cpu') {
      const { user, system } = process.cpuUsage();
      process.send?.(user + system);
    } else if (message === 'stop') {
      void close().finally(() => process.exit(0));
    }
  });
  // A parent that is gone can't tell its children to stop.
  process.once('disconnect', () => process.exit(1));
  process.send?.(port);
}

/** A parameter of the child's command line. */
export function parameter(position: number): string {
  const value = process.argv[2 + position];
  if (value === undefined) throw new TypeError(`parameter ${position} is missing`);
  return value;
}

function forkFile(file: string, parameters: readonly string[], flags: readonly string[] = []): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), parameters, {
    execArgv: [...process.execArgv, ...flags],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

async function numberFrom(child: ChildProcess): Promise<number> {
  const message = await messageFrom(child, PATIENCE);
  if (typeof message !== 'number') throw new TypeError('a child of the benchmark sent no number');
  return message;
}

function messageFrom(child: ChildProcess, patience: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void): void => {
      clearTimeout(late);
      child.off('message', onMessage).off('exit', onExit);
      finish();
    };
    const onMessage = (message: unknown): void => settle(() => resolve(message));
    const onExit = (code: number | null): void =>
      settle(() => reject(new Error(`a child of the benchmark ended with ${code}`)));
    const late = setTimeout(
      () => settle(() => reject(new Error('a child of the benchmark does not answer'))),
      patience,
    );
    child.on('message', onMessage).on('exit', onExit);
  });
}
