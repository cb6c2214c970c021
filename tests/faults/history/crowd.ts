import { setTimeout } from 'node:timers/promises';
import type { Millis } from '@latchkey/verify';
import { ACTIONS, type Action, type Scene, type Season, signIn, signUp } from './actions.ts';
import { type Chance, chanceFrom } from './chance.ts';
import type { History } from './history.ts';
import { People, type Person } from './people.ts';
import { Recorder } from './recorder.ts';

/** Who act at once, each as any of the people. */
const LANES = 6;
/** The most that each rests after what it did. */
const LONGEST_REST: Millis = 50;
/** Of so many actions two are done on both nodes at once. */
const MEETINGS = 12;
/** Each person has so many sessions at a time. */
const SESSIONS = 12;
/** Each person is calm for a while, so that sessions grow old, and then ends everything again and again. */
const SEASON: Millis = 24_000;
const STORM: Millis = 5_000;
/** What has ended is tried for so long after the bound. */
const REMEMBERED: Millis = 5_000;

export interface CrowdOptions {
  readonly urls: ReadonlyMap<string, string>;
  /** Services that follow the nodes: they are asked who is there, and for nothing else. */
  readonly services: ReadonlyMap<string, string>;
  readonly seed: number;
  readonly bound: Millis;
  /** Left out, each person's come in turn. */
  readonly season?: Season;
}

/**
 * Two people with many browsers and programs, who do what comes to mind on either
 * node. What they choose follows from the seed and from what they were answered;
 * how their requests fall together is up to the machine.
 */
export class Crowd {
  readonly #people = new People(['ada', 'bob']);
  readonly #recorder: Recorder;
  readonly #options: CrowdOptions;
  readonly #nodes: readonly string[];
  readonly #services: readonly string[];
  #began: Millis = 0;
  #isOver = false;

  constructor(options: CrowdOptions) {
    this.#options = options;
    this.#nodes = [...options.urls.keys()];
    this.#services = [...options.services.keys()];
    this.#recorder = new Recorder(new Map([...options.urls, ...options.services]));
  }

  /** What was recorded until now. */
  get history(): History {
    // Ten seconds: the longest that a node waits for its store is five.
    return { bound: this.#options.bound, effectWithin: 10_000, operations: this.#recorder.operations };
  }

  /** Lets them act for so long, or until `isEnough`, which is asked now and then. */
  async act(duration: Millis, isEnough: () => boolean = () => false): Promise<void> {
    const { seed } = this.#options;
    const chance = chanceFrom(seed);
    for (const person of this.#people.all) await signUp(this.#scene(chance, person));
    this.#began = performance.now();
    const lanes = Array.from({ length: LANES }, (_, lane) =>
      this.#live(chanceFrom(seed + (lane + 1) * 7_919)),
    );
    const ended = Promise.all(lanes);
    try {
      while (performance.now() - this.#began < duration && !isEnough()) {
        // A lane that fails ends the run.
        await Promise.race([ended, setTimeout(500)]);
      }
    } finally {
      this.#isOver = true;
    }
    await ended;
  }

  async #live(chance: Chance): Promise<void> {
    while (!this.#isOver) {
      await this.#step(chance);
      await setTimeout(chance.below(LONGEST_REST));
    }
  }

  async #step(chance: Chance): Promise<void> {
    this.#people.forget(performance.now() - this.#options.bound - REMEMBERED);
    const person = chance.oneOf(this.#people.all);
    if (person === null) return;
    const act = this.#choose(person, chance);
    const meeting = chance.below(MEETINGS);
    if (meeting > 1) return act(this.#scene(chance, person));
    // On both nodes at once: the very same, or of the same kind.
    const seed = chance.below(0x7fffffff);
    await Promise.all(
      this.#nodes.map((node, index) => {
        const own = chanceFrom(seed + 2 * meeting * index);
        return act({ ...this.#scene(own, person), node });
      }),
    );
  }

  #choose(person: Person, chance: Chance): Action {
    const living = person.sessions.filter(({ overSince }) => overSince === null).length;
    // The fewer there are, the sooner there is one more.
    if (living < SESSIONS && chance.once(4 * (living + 1))) return signIn;
    const season = this.#options.season ?? this.#seasonOf(person);
    let left = chance.below(ACTIONS.reduce((sum, action) => sum + action[season], 0));
    for (const action of ACTIONS) {
      left -= action[season];
      if (left < 0) return action.act;
    }
    throw new TypeError('the weights do not add up');
  }

  #seasonOf(person: Person): Season {
    // One of the two begins with a storm.
    const shift = this.#people.all.indexOf(person) * (SEASON / 2);
    return (performance.now() - this.#began + shift) % SEASON < STORM ? 'storm' : 'calm';
  }

  #scene(chance: Chance, person: Person): Scene {
    const node = chance.oneOf(this.#nodes);
    if (node === null) throw new TypeError('there is no node');
    const [nodes, services] = [this.#nodes, this.#services];
    return { people: this.#people, recorder: this.#recorder, chance, person, node, nodes, services };
  }
}
