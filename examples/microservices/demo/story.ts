import { setTimeout as sleep } from 'node:timers/promises';
import type { Credentials, Receipt } from './accounts.ts';
import type { Fleet } from './fleet.ts';
import { Lamp, preciseNow } from './lamp.ts';
import { lookAtFollowers, openStream, type ShownFollower } from './watching.ts';

const CLOSELY_MS = 1_500;
const LOOK_EVERY_MS = 250;
const HALF_A_LIFE_MS = 300_000;

/** A revocation, as far as it has come. Times are milliseconds since 1970. */
export interface Revocation {
  readonly calledAt: number;
  /** How long the call took; `null` while it is under way. */
  readonly answeredAfter: number | null;
  readonly receipt: Receipt | null;
  /** How long after the call a stream at `orders` that was open was ended; `null` where none was yet. */
  readonly streamEndedAfter: number | null;
}

/** What happens on the page: who is signed in, what was pressed, and what came of it. */
export class Story {
  readonly fleet: Fleet;
  readonly lamps: readonly Lamp[];
  readonly #onChange: () => void;
  readonly #stopped = new AbortController();
  #held: Credentials | null = null;
  #revocation: Revocation | null = null;
  #cutAt: number | null = null;
  #followers: readonly ShownFollower[] = [];
  #maxStaleness = 0;
  #endStream: () => void = () => undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /** @param onChange told when there is something to show at once. */
  constructor(fleet: Fleet, onChange: () => void) {
    this.fleet = fleet;
    this.#onChange = onChange;
    const { shop, orders, python, control } = fleet;
    this.lamps = [
      new Lamp('shop', shop.url, onChange),
      new Lamp('orders', `${orders}/orders`, onChange),
      ...(python === null ? [] : [new Lamp('python', `${python}/`, onChange)]),
      new Lamp('control', `${control}/`, onChange),
    ];
  }

  get held(): Credentials | null {
    return this.#held;
  }

  get revocation(): Revocation | null {
    return this.#revocation;
  }

  /** When the wire was cut; `null` while it is whole. */
  get cutAt(): number | null {
    return this.#cutAt;
  }

  get followers(): readonly ShownFollower[] {
    return this.#followers;
  }

  /** How long a copy of the log counts without news, in milliseconds. */
  get maxStaleness(): number {
    return this.#maxStaleness;
  }

  /** Signs in, and sends requests until it is stopped. */
  async run(): Promise<void> {
    await this.signIn();
    await Promise.all([...this.lamps.map((lamp) => lamp.run()), this.#look()]);
  }

  stop(): void {
    this.#stopped.abort();
    this.#endStream();
    for (const lamp of this.lamps) lamp.stop();
  }

  /** Begins anew: another session, another token. */
  signIn(): Promise<void> {
    return this.#inTurn(async () => {
      this.#hold(await this.fleet.accounts.signIn());
      this.#revocation = null;
      for (const lamp of this.lamps) lamp.reset();
      this.#openStream();
    });
  }

  /** Ends all that Ada holds, as an administrator over HTTP. */
  revoke(): Promise<void> {
    return this.#inTurn(async () => {
      const held = this.#held;
      if (held === null || this.#revocation !== null) return;
      for (const lamp of this.lamps) lamp.watchClosely(CLOSELY_MS);
      const calledAt = preciseNow();
      this.#revocation = { calledAt, answeredAfter: null, receipt: null, streamEndedAfter: null };
      this.#onChange();
      try {
        const receipt = await this.fleet.accounts.revoke(held.user);
        this.#note({ receipt, answeredAfter: preciseNow() - calledAt });
      } catch (error) {
        this.#revocation = null;
        throw error;
      }
    });
  }

  cut(): Promise<void> {
    return this.#inTurn(async () => {
      this.fleet.wire.cut();
      this.#cutAt ??= preciseNow();
    });
  }

  mend(): Promise<void> {
    return this.#inTurn(async () => {
      this.fleet.wire.mend();
      this.#cutAt = null;
    });
  }

  /** One after the other, whoever presses how quickly. */
  #inTurn(act: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(act).finally(() => this.#onChange());
    this.#turn = done.catch(() => undefined);
    return done;
  }

  #hold(credentials: Credentials): void {
    this.#held = credentials;
    const { cookie, token } = credentials;
    for (const lamp of this.lamps)
      lamp.present(lamp.name === 'shop' ? { Cookie: cookie } : { Authorization: `Bearer ${token}` });
  }

  #note(news: Partial<Revocation>): void {
    if (this.#revocation !== null) this.#revocation = { ...this.#revocation, ...news };
    this.#onChange();
  }

  /** The service ends it when trust ends, though the token was good when it was opened. */
  #openStream(): void {
    this.#endStream();
    this.#endStream = openStream(this.fleet.orders, this.#held?.token ?? '', () => {
      const calledAt = this.#revocation?.calledAt;
      if (calledAt !== undefined) this.#note({ streamEndedAfter: preciseNow() - calledAt });
    });
  }

  /** Looks at what an administrator sees, and keeps the token young. */
  async #look(): Promise<void> {
    const { signal } = this.#stopped;
    while (!this.#isStopped()) {
      try {
        await Promise.all([this.#lookAtFollowers(), this.#lookAtReceipt(), this.#renew()]);
      } catch (error) {
        if (!this.#isStopped()) console.error(error instanceof Error ? error.message : error);
      }
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  async #lookAtReceipt(): Promise<void> {
    const receipt = this.#revocation?.receipt ?? null;
    if (receipt === null || receipt.settled) return;
    const now = await this.fleet.accounts.receipt(receipt.id);
    if (this.#revocation?.receipt?.id === now.id) this.#note({ receipt: now });
  }

  async #lookAtFollowers(): Promise<void> {
    const { followers, maxStaleness } = await lookAtFollowers(this.fleet);
    this.#followers = followers;
    this.#maxStaleness = maxStaleness;
  }

  /** A token of the same session before half of its life is over, so that there is much left to count down. */
  async #renew(): Promise<void> {
    const held = this.#held;
    const calm = this.#revocation === null && this.#cutAt === null;
    if (held === null || !calm || held.expiresAt - Date.now() > HALF_A_LIFE_MS) return;
    const renewed = await this.fleet.accounts.renew(held.cookie);
    if (this.#held !== held || this.#revocation !== null) return;
    this.#hold({ ...held, ...renewed });
    this.#openStream();
  }
}
