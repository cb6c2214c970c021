/*
 * The demo: an issuer, four services under steady requests, and a page on loopback with a
 * button that ends trust. Nothing to set up, and nothing is left: its data are in a temporary
 * folder, and Ctrl-C ends everything.
 *
 *   npm run demo                          # or: npm start -w example-microservices
 *   npm run demo -- --help                # what may be left out, and the port
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HELP, parseCall } from './command-line.ts';
import { startFleet } from './fleet.ts';
import { Story } from './story.ts';
import { Web } from './web.ts';

/** What is to be undone, the last first. */
const undo: (() => unknown)[] = [];
async function undoAll(): Promise<void> {
  for (let next = undo.pop(); next !== undefined; next = undo.pop()) await next();
}
let closing: Promise<void> | null = null;
function close(): Promise<void> {
  closing ??= undoAll();
  return closing;
}

function isClosing(): boolean {
  return closing !== null;
}

async function run(): Promise<void> {
  const { help, without } = parseCall(process.argv.slice(2));
  if (help) return console.log(HELP);
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-demo-'));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  console.log('Starting an issuer and its services …');
  const fleet = await startFleet(folder, without, (step) => undo.push(step));
  const story: Story = new Story(fleet, () => web.changed());
  const web = new Web(() => story);
  const port = await web.listen(Number(process.env['PORT'] ?? 3007));
  undo.push(() => web.close());
  undo.push(() => story.stop());
  const running = story.run();
  console.log(`The demo is ready at http://localhost:${port} (Ctrl-C ends it and leaves nothing behind)`);
  await Promise.race([running, ...fleet.programs.map(lost)]);
}

/** @throws when it ends before it was told to. */
async function lost({
  name,
  ended,
}: {
  readonly name: string;
  readonly ended: Promise<string>;
}): Promise<void> {
  const complaints = await ended;
  if (!isClosing()) throw new Error(`${name} has ended by itself. ${complaints}`);
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.once(signal, () => void close().finally(() => process.exit(code)));
}
try {
  await run();
} catch (error) {
  // Whoever stops it in the middle wants to hear no more.
  if (!isClosing()) console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await close();
}
