/*
 * One node: what `latchkey serve` does with its environment, found by name, so that
 * it runs from the source too. It ends with whoever started it, however that went.
 */
import { serve } from '@latchkey/server';
import { readSettings } from 'latchkey/environment';

process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
try {
  await serve(await readSettings(process.env, process.cwd()));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
if (process.connected) process.disconnect();
