import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { systemClock, type Timestamp } from '@latchkey/verify';
import { Command } from 'commander';
import { personalNumber, sensitiveValue } from '../tokens/sensitive.ts';
import { timeOf } from './inspect-claims.ts';
import type { Finding, Members, Severity } from './inspect-findings.ts';
import { count, printable, spellTime, spellType, visible, wrap } from './inspect-text.ts';
import { type Inspection, inspectToken } from './inspect-token.ts';
import { Refused } from './refused.ts';

interface InspectOptions {
  readonly show?: true;
  readonly json?: true;
}

/** By the worst that was found; 1 is for a command that could not be run. */
const EXIT_CODES: Readonly<Record<Severity | 'nothing', number>> = {
  nothing: 0,
  note: 0,
  warning: 2,
  bad: 3,
};

const MOST_BYTES = 1_000_000;

/** `latchkey inspect` */
export function inspectCommand(): Command {
  return new Command('inspect')
    .description('take a JWT apart and list what is wrong with it; offline, no signature is verified')
    .argument('<token>', 'any JWT, or - to read it from standard input')
    .option('--show', 'print the values too: header and payload as they are')
    .option('--json', 'for scripts')
    .addHelpText(
      'after',
      `
A token that still works is a password. Given as an argument it stays in the history of your shell, and
others on the machine can see it: use - instead, with a pipe, or on a terminal to be asked for it.

  pbpaste | latchkey inspect -
  latchkey inspect - < token.txt
  latchkey inspect -

Nothing is sent anywhere. Values are printed with --show alone; findings never repeat one.

Exit code:
  0  nothing is wrong; there may be notes
  1  the command could not be run, such as for a wrong option
  2  warnings
  3  something is bad`,
    )
    .action(async (argument: string, options: InspectOptions) => {
      const token = argument === '-' ? await readToken() : argument;
      const now = systemClock.now();
      const inspection = inspectToken(token, now);
      process.stdout.write(
        options.json === true
          ? asJson(inspection, options.show === true)
          : asText(inspection, now, options.show === true),
      );
      process.exitCode = EXIT_CODES[inspection.findings[0]?.severity ?? 'nothing'];
    });
}

async function readToken(): Promise<string> {
  if (process.stdin.isTTY) return askForToken();
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES)
      throw new Refused(`standard input has more than ${MOST_BYTES} bytes; that is no token`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Key by key and without an echo: a terminal by itself hands over no line of more than 4,095 characters. */
async function askForToken(): Promise<string> {
  process.stderr.write('Paste the token, which is not shown, and press Enter: ');
  const output = new Writable({
    write: (_chunk, _encoding, done) => done(),
  });
  const lines = createInterface({ input: process.stdin, output, terminal: true, historySize: 0 });
  try {
    for await (const line of lines) return line;
    throw new Refused('cancelled; there was nothing to inspect');
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}

const KINDS: Readonly<Record<Inspection['kind'], string>> = {
  signed: 'A signed JWT',
  encrypted: 'An encrypted JWT (JWE)',
  unknown: 'Not a JWT',
};

function asText(inspection: Inspection, now: Timestamp, show: boolean): string {
  const { kind, bytes, header, claims, findings } = inspection;
  return [
    `${KINDS[kind]}, ${count(bytes, 'byte')}.`,
    ...(header === null ? [] : ['', 'Header', ...table(describeHeader(header))]),
    ...(claims === null ? [] : ['', 'Claims', ...table(describeClaims(claims, now))]),
    ...(show ? [header, claims].flatMap((part) => (part === null ? [] : ['', pretty(part)])) : []),
    '',
    ...(findings.length === 0 ? [] : ['Findings', ...findings.map(findingLine), '']),
    `${summary(findings)} No signature was verified.`,
    '',
  ].join('\n');
}

function asJson(inspection: Inspection, show: boolean): string {
  const { kind, bytes, header, claims, findings } = inspection;
  return `${pretty({
    kind,
    bytes,
    header: header === null ? null : Object.fromEntries(describeHeader(header)),
    claims:
      claims === null
        ? null
        : Object.entries(claims).map(([name, value]) => {
            const at = timeOf(name, value);
            const time = at === null ? null : new Date(at).toISOString();
            return { name: shownName(name), type: spellType(value), time };
          }),
    findings,
    ...(show ? { decoded: { header, payload: claims } } : {}),
  })}\n`;
}

type Lines = readonly (readonly [name: string, says: string])[];

/** Header members are for everybody to see, but not what looks like a secret, nor whole keys. */
function describeHeader(header: Members): Lines {
  return Object.entries(header).map(([name, value]) => {
    const hidden = typeof value !== 'string' || (sensitiveValue(value) ?? personalNumber(value)) !== null;
    return [shownName(name), hidden ? spellType(value) : value];
  });
}

function describeClaims(claims: Members, now: Timestamp): Lines {
  return Object.entries(claims).map(([name, value]) => {
    const at = timeOf(name, value);
    return [shownName(name), at === null ? spellType(value) : spellTime(at, now)];
  });
}

/** A name can be what it should only stand for: `{ "ada@example.com": true }`. */
function shownName(name: string): string {
  return sensitiveValue(name) === null ? name : '…';
}

function table(lines: Lines): readonly string[] {
  const printed = lines.map(([name, says]) => [printable(name), printable(says)] as const);
  const width = Math.max(...printed.map(([name]) => name.length));
  return printed.map(([name, says]) => `  ${name.padEnd(width)}  ${says}`);
}

function findingLine({ severity, code, member, what }: Finding): string {
  const lead = `  ${severity.padEnd(8)} ${code.padEnd(18)} `;
  return lead + wrap(member === null ? `the token ${what}` : `${member}: ${what}`, ' '.repeat(lead.length));
}

function summary(findings: readonly Finding[]): string {
  if (findings.length === 0) return 'Nothing wrong was found.';
  const of = (severity: Severity): number => findings.filter((one) => one.severity === severity).length;
  return `${of('bad')} bad, ${count(of('warning'), 'warning')}, ${count(of('note'), 'note')}.`;
}

function pretty(value: unknown): string {
  return visible(JSON.stringify(value, null, 2));
}
