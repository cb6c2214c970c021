import type { Millis } from '@latchkey/verify';
import { READ_EVERY } from '../tokens/key-schedule.ts';
import { KEPT_UNUSED } from '../tokens/signing-keys.ts';
import type { Rooms } from './rooms.ts';

const DAY: Millis = 86_400_000;
/** Rows deleted in one go: on SQLite, 5,000 block the event loop for more than 100 ms. */
const CHUNK = 200;

/** Deletes, in small chunks and off the path of requests, what can no longer matter. */
export class Maintenance {
  readonly #rooms: Pick<Rooms, 'store' | 'log' | 'bounds' | 'signingKeys' | 'emit'>;
  #timer: NodeJS.Timeout | undefined;

  constructor(rooms: Pick<Rooms, 'store' | 'log' | 'bounds' | 'signingKeys' | 'emit'>) {
    this.#rooms = rooms;
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.run(), READ_EVERY).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async run(): Promise<void> {
    const { store, log, bounds, signingKeys, emit } = this.#rooms;
    // The log's time: what others wrote must not go because this machine's clock is ahead.
    const now = log.now();
    const sweeps = [
      () => store.signingKeys.sweep(now - KEPT_UNUSED, CHUNK),
      () => store.log.purge(now, CHUNK),
      () => store.receipts.sweep(now, CHUNK),
      () => store.sessions.sweep(now, CHUNK),
      () => store.attempts.sweep(now - DAY, CHUNK),
    ];
    try {
      await bounds.confirm(store);
      await signingKeys.keep();
      for (const sweep of sweeps) {
        while (this.#timer !== undefined && (await sweep()) === CHUNK) {
          // Requests come first: each chunk waits for its turn.
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
    } catch (error) {
      emit({ type: 'failed', error });
    }
  }
}
