import type { Millis } from '@latchkey/verify';
import type { Chance } from './chance.ts';
import type { Credential, Operation } from './history.ts';
import {
  CLIENTS,
  claimsOf,
  type HeldSession,
  type Mode,
  type People,
  type Person,
  passwordText,
} from './people.ts';
import {
  type Answer,
  type Asked,
  type HeldCredential,
  type Recorder,
  recordOf,
  type Said,
} from './recorder.ts';

/** What an action works with: who acts, on which node, and what happens by chance. */
export interface Scene {
  readonly people: People;
  readonly recorder: Recorder;
  readonly chance: Chance;
  readonly person: Person;
  readonly node: string;
  /** All that there are. */
  readonly nodes: readonly string[];
  /** Services that follow them, which know access tokens alone. */
  readonly services: readonly string[];
}

/** One thing that somebody does. It does nothing where it cannot be done now. */
export type Action = (scene: Scene) => Promise<void>;

/** Of so many changes one gets no answer, because the client hangs up. */
const HANGS_UP = 40;
/** R10: from this age on a refresh token is replaced by its use. */
const DUE: Millis = 10_000;
const MODES = Object.keys(CLIENTS) as Mode[];

/** The answer is not waited for by everybody. */
function perform(
  scene: Scene,
  asked: Asked,
  read: (answer: Answer) => Said = () => ({}),
): Promise<Operation> {
  const { chance, recorder, node } = scene;
  const hangUpAfter = asked.method !== 'GET' && chance.once(HANGS_UP) ? chance.below(20) : null;
  return recorder.perform(node, { ...asked, hangUpAfter }, read);
}

/** A session that is thought to live. */
function living({ person, chance }: Scene, mode?: Mode): HeldSession | null {
  return chance.oneOf(
    person.sessions.filter((each) => each.overSince === null && (mode === undefined || each.mode === mode)),
  );
}

/** A session that is thought to live, or one that ended a short while ago. */
function anySession({ person, chance }: Scene): HeldSession | null {
  const isOver = chance.once(2);
  const sessions = person.sessions.filter(({ overSince }) => (overSince !== null) === isOver);
  return chance.oneOf(sessions.length === 0 ? person.sessions : sessions);
}

function newest(session: HeldSession | null, kind: Credential['kind']): HeldCredential | null {
  return session?.credentials.findLast((credential) => credential.kind === kind) ?? null;
}

/** What a session's owner presents to change something. */
function owners(session: HeldSession | null): HeldCredential | null {
  return newest(session, 'cookie') ?? newest(session, 'token');
}

function over(sessions: readonly HeldSession[]): void {
  for (const session of sessions) session.overSince ??= performance.now();
}

/** What the answer to an ending says: its receipt, which can be asked for later. */
function receiptIn({ body }: Answer): { readonly id: string; readonly settled: boolean } | null {
  const receipt = recordOf(body['receipt']);
  return 'id' in receipt ? { id: String(receipt['id']), settled: receipt['settled'] === true } : null;
}

/** Performs what ends trust, and remembers its receipt where `person` may ask for it. */
async function end(
  scene: Scene,
  asked: Asked,
  ended: () => readonly HeldSession[],
  read: (answer: Answer) => Said = () => ({}),
): Promise<Operation> {
  const { person } = scene;
  let receipt: ReturnType<typeof receiptIn> = null;
  const operation = await perform(scene, asked, (answer) => {
    receipt = receiptIn(answer);
    return {
      ...read(answer),
      // Signed out already: it says so by no receipt.
      ...(receipt === null ? { outcome: 'refused' } : { settled: receipt.settled }),
    };
  });
  if (operation.outcome === 'ok') over(ended());
  const given = receipt as ReturnType<typeof receiptIn>;
  if (given !== null && asked.about.user !== null) person.receipts.push({ of: operation.id, id: given.id });
  if (person.receipts.length > 4) person.receipts.shift();
  return operation;
}

/** Begins a session, by a password that is in force or by the one before. */
export const signIn: Action = async (scene) => {
  const { people, person, chance } = scene;
  const mode = chance.oneOf(MODES) ?? 'session';
  const isOld = person.passwords > 1 && chance.once(4);
  const password = isOld
    ? `${person.name}/${person.passwords - 1}`
    : (chance.oneOf(person.likely) ?? `${person.name}/${person.passwords}`);
  const before = chance.once(10) ? living(scene, 'session') : null;
  const asked: Asked = {
    about: { kind: 'sign-in', user: person.name, password },
    method: 'POST',
    path: '/auth/sign-in',
    body: { email: person.email, password: passwordText(password), client: CLIENTS[mode] },
    presents: newest(before, 'cookie'),
  };
  const operation = await perform(scene, asked, (answer) => {
    const [user, begun] = [recordOf(answer.body['user']), recordOf(answer.body['session'])];
    const session = people.begin(person, mode, String(begun['id']));
    return { issues: people.take(session, answer), answered: people.subject(user['id'], begun['id']) };
  });
  if (operation.outcome === 'ok') {
    person.likely = [password];
    if (before !== null) over([before]);
  } else if (operation.outcome === 'refused') doubt(person, password);
};

/** What was refused is not in force, unless it was overtaken: then all of the last are possible again. */
function doubt(person: Person, password: string): void {
  person.likely = person.likely.filter((name) => name !== password);
  if (person.likely.length > 0) return;
  for (let number = person.passwords; number > 0 && number > person.passwords - 5; number -= 1)
    person.likely.push(`${person.name}/${number}`);
}

const check: Action = async (scene) => {
  const { people, person, chance } = scene;
  const session = anySession(scene);
  const credentials = session?.credentials.filter(({ kind }) => kind !== 'refresh').slice(-4) ?? [];
  const presents = chance.oneOf(credentials);
  if (session === null || presents === null) return;
  const service = presents.kind === 'token' && chance.once(2) ? chance.oneOf(scene.services) : null;
  const path = service === null && chance.once(4) ? '/auth/me' : '/who';
  const asking = service === null ? scene : { ...scene, node: service };
  const about = { kind: 'check', user: person.name } as const;
  const operation = await perform(asking, { about, method: 'GET', path, presents }, ({ body }) => ({
    answered: people.subject(body['id'], recordOf(body['session'])['id']),
  }));
  if (operation.outcome === 'refused' && presents === owners(session)) over([session]);
};

/** Refreshes by the current token, or by one that may be too old. */
async function refreshBy(
  scene: Scene,
  session: HeldSession | null,
  presents: HeldCredential | null,
): Promise<void> {
  const { people, person } = scene;
  if (session === null || presents === null) return;
  const asked: Asked = {
    about: { kind: 'refresh', user: person.name, presents: presents.name },
    method: 'POST',
    path: '/auth/token',
    body: { grant_type: 'refresh_token', refresh_token: presents.text },
  };
  const operation = await perform(scene, asked, (answer) => tokens(people, session, answer));
  if (operation.outcome === 'refused') over([session]);
}

/** What an answer with an access token says. */
function tokens(people: People, session: HeldSession, answer: Answer): Said {
  const { sub, sid } = claimsOf(answer.body['access_token']);
  return { issues: people.take(session, answer), answered: people.subject(sub, sid) };
}

const refresh: Action = async (scene) => {
  const jwt = scene.person.sessions.filter(({ mode }) => mode === 'jwt');
  const session = scene.chance.once(3) ? scene.chance.oneOf(jwt) : living(scene, 'jwt');
  const token = newest(session, 'refresh');
  // Once it is due, everybody comes at once, as tabs do: that is when two successors could be made.
  const isDue = token !== null && performance.now() - token.since > DUE;
  const nodes = isDue ? [...scene.nodes, ...scene.nodes] : [scene.node];
  await Promise.all(nodes.map((node) => refreshBy({ ...scene, node }, session, token)));
};

const reuse: Action = async (scene) => {
  const { chance, person } = scene;
  const session = chance.oneOf(person.sessions.filter((each) => each.mode === 'jwt'));
  const old = session?.credentials.filter(({ kind }) => kind === 'refresh').slice(0, -1) ?? [];
  await refreshBy(scene, session, chance.oneOf(old));
};

const exchange: Action = async (scene) => {
  const { people, person, chance } = scene;
  const hybrid = person.sessions.filter(({ mode }) => mode === 'hybrid');
  const session = chance.once(4) ? chance.oneOf(hybrid) : living(scene, 'hybrid');
  const presents = newest(session, 'cookie');
  if (session === null || presents === null) return;
  const asked: Asked = {
    about: { kind: 'exchange', user: person.name },
    method: 'POST',
    path: '/auth/token',
    body: { grant_type: 'urn:latchkey:grant:session' },
    presents,
  };
  await perform(scene, asked, (answer) => tokens(people, session, answer));
};

const signOut: Action = async (scene) => {
  const { chance, person } = scene;
  const session = chance.once(5) ? anySession(scene) : living(scene);
  const about = { kind: 'sign-out', user: person.name } as const;
  const byRefresh = chance.once(2) ? newest(session, 'refresh') : null;
  const presents = owners(session);
  if (session === null || presents === null) return;
  const asked: Asked =
    byRefresh === null
      ? { about, method: 'POST', path: '/auth/sign-out', presents }
      : {
          about: { ...about, presents: byRefresh.name },
          method: 'POST',
          path: '/auth/revoke',
          body: { token: byRefresh.text },
        };
  const operation = await end(scene, asked, () => [session]);
  if (operation.outcome === 'refused') over([session]);
};

const endSession: Action = async (scene) => {
  const { person } = scene;
  const [target, presents] = [living(scene), owners(living(scene))];
  if (target === null || presents === null) return;
  const about = { kind: 'end-session', user: person.name, target: { session: target.name } } as const;
  await end(scene, { about, method: 'DELETE', path: `/auth/sessions/${target.id}`, presents }, () => [
    target,
  ]);
};

const endOthers: Action = async (scene) => {
  const session = living(scene);
  const presents = owners(session);
  if (presents === null) return;
  const about = { kind: 'end-others', user: scene.person.name } as const;
  const path = '/auth/sessions?except=current';
  await end(scene, { about, method: 'DELETE', path, presents }, () =>
    scene.person.sessions.filter((each) => each !== session),
  );
};

const endAll: Action = async (scene) => {
  const { person } = scene;
  const presents = owners(living(scene));
  if (presents === null) return;
  const about = { kind: 'end-all', user: person.name } as const;
  await end(scene, { about, method: 'DELETE', path: '/auth/sessions', presents }, () => person.sessions);
};

const changePassword: Action = async (scene) => {
  const { people, person, chance } = scene;
  const session = living(scene);
  const presents = owners(session);
  const password = chance.oneOf(person.likely);
  if (session === null || presents === null || password === null) return;
  person.passwords += 1;
  const next = `${person.name}/${person.passwords}`;
  const asked: Asked = {
    about: { kind: 'change-password', user: person.name, password, next },
    method: 'POST',
    path: '/auth/password',
    body: { current_password: passwordText(password), new_password: passwordText(next) },
    presents,
  };
  const others = (): readonly HeldSession[] => person.sessions.filter((each) => each !== session);
  const { outcome } = await end(scene, asked, others, (answer) => ({ issues: people.take(session, answer) }));
  if (outcome === 'ok') person.likely = [next];
  if (outcome === 'unknown') person.likely.push(next);
  if (outcome === 'refused') doubt(person, password);
};

const stepUp: Action = async (scene) => {
  const { people, person, chance } = scene;
  const session = living(scene);
  const presents = owners(session);
  const password = chance.oneOf(person.likely);
  if (session === null || presents === null || password === null) return;
  const asked: Asked = {
    about: { kind: 'step-up', user: person.name, password },
    method: 'POST',
    path: '/auth/reauthenticate',
    body: { password: passwordText(password) },
    presents,
  };
  await perform(scene, asked, (answer) => {
    const { id, session: about } = answer.body;
    return { issues: people.take(session, answer), answered: people.subject(id, recordOf(about)['id']) };
  });
};

/** What an administrator's own code does: a session, a person, or everybody. */
const revoke =
  (what: 'session' | 'user' | 'all'): Action =>
  async (scene) => {
    const { people, person } = scene;
    const session = living(scene);
    if (session === null) return;
    const [target, body, ended] = {
      session: [{ session: session.name }, { session: session.id }, [session]] as const,
      user: [{ user: person.name }, { user: person.id }, person.sessions] as const,
      all: [{ everyone: true }, { all: true }, people.all.flatMap(({ sessions }) => sessions)] as const,
    }[what];
    const about = { kind: 'revoke', user: null, target } as const;
    await end(scene, { about, method: 'POST', path: '/revoke', body }, () => ended);
  };

const receipt: Action = async (scene) => {
  const { person, chance } = scene;
  const presents = owners(living(scene));
  const asked = chance.oneOf(person.receipts);
  if (presents === null || asked === null) return;
  const about = { kind: 'receipt', user: person.name, of: asked.of } as const;
  const path = `/auth/receipts/${asked.id}?wait=${chance.below(3)}`;
  const operation = await perform(scene, { about, method: 'GET', path, presents }, ({ body }) => ({
    settled: body['settled'] === true,
  }));
  if (operation.settled === true) person.receipts = person.receipts.filter(({ of }) => of !== asked.of);
};

/** While all is calm sessions grow old; in a storm everything ends, again and again. */
export type Season = 'calm' | 'storm';

/** An action, and how often it is done among the others. */
interface Weighed extends Readonly<Record<Season, number>> {
  readonly act: Action;
}

/** What people do, and how often. */
export const ACTIONS: readonly Weighed[] = [
  { act: check, calm: 7_000, storm: 7_000 },
  { act: refresh, calm: 700, storm: 700 },
  { act: exchange, calm: 250, storm: 250 },
  { act: reuse, calm: 10, storm: 10 },
  { act: signOut, calm: 35, storm: 80 },
  { act: endSession, calm: 10, storm: 30 },
  { act: revoke('session'), calm: 10, storm: 30 },
  { act: stepUp, calm: 100, storm: 100 },
  { act: receipt, calm: 60, storm: 120 },
  { act: endOthers, calm: 0, storm: 20 },
  { act: changePassword, calm: 0, storm: 20 },
  { act: endAll, calm: 0, storm: 7 },
  { act: revoke('user'), calm: 0, storm: 7 },
  { act: revoke('all'), calm: 0, storm: 2 },
];

/** Begins a person's account, on a node. */
export async function signUp({ people, recorder, person, node }: Scene): Promise<void> {
  person.passwords = 1;
  const password = `${person.name}/1`;
  person.likely = [password];
  const asked: Asked = {
    about: { kind: 'sign-up', user: person.name, password },
    method: 'POST',
    path: '/auth/sign-up',
    body: { email: person.email, password: passwordText(password), client: CLIENTS.session },
  };
  await recorder.perform(node, asked, (answer) => {
    const [user, begun] = [recordOf(answer.body['user']), recordOf(answer.body['session'])];
    person.id = String(user['id']);
    const session = people.begin(person, 'session', String(begun['id']));
    return { issues: people.take(session, answer), answered: people.subject(user['id'], begun['id']) };
  });
}
