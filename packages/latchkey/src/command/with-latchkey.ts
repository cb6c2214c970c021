import { readSettings } from '../environment.ts';
import { type Latchkey, latchkey } from '../latchkey.ts';

/** Works on the deployment that the environment names, and lets go of it. */
export async function withLatchkey(work: (auth: Latchkey) => Promise<void>): Promise<void> {
  const { options } = await readSettings(process.env, process.cwd());
  // Whoever is gone in a moment watches nothing.
  const auth = latchkey({ ...options, log: { ...options.log, canary: false } });
  try {
    await auth.ready();
    await work(auth);
  } finally {
    await auth.close().catch(() => undefined);
  }
}
