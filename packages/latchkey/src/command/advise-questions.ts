/** What is asked, and what can be answered; each answer with what it means. */
export const QUESTIONS = {
  callers: {
    asks: 'Who calls your application?',
    many: true,
    choices: {
      pages: 'pages of one origin, with forms or scripts of their own',
      browser: 'a browser app whose API is on another origin',
      apps: 'mobile or desktop apps',
      services: 'other services, in the name of a user or their own',
    },
  },
  nodes: {
    asks: 'Where does the part run that signs people in?',
    many: false,
    choices: {
      one: 'one process',
      host: 'several processes on one host',
      several: 'several hosts',
    },
  },
  services: {
    asks: 'How many other services have to check who calls them?',
    many: false,
    choices: { none: 'none', one: 'one', several: 'several' },
  },
  revocation: {
    asks: 'When trust is ended (sign-out, a ban, a stolen device), how soon must that hold everywhere?',
    many: false,
    choices: {
      'at-once': 'within seconds',
      minute: 'within a minute',
      expiry: 'when the token expires, some minutes later',
    },
  },
  outage: {
    asks: 'While the store cannot be reached, what must go on for those who are signed in?',
    many: false,
    choices: {
      nothing: 'nothing: rather refuse than be wrong',
      minute: 'checks, for up to a minute',
      expiry: 'checks, until the token expires',
    },
  },
  secrets: {
    asks: 'Who may keep a secret, besides your servers?',
    many: true,
    choices: {
      server: 'only the servers',
      device: 'the device, in its keychain',
      browser: 'scripts in the browser, a token of some minutes, in memory',
    },
  },
  sensitivity: {
    asks: 'How much would a stolen password hurt?',
    many: false,
    choices: {
      ordinary: 'as much as in most applications',
      'second-factor': 'so much that a password alone must not be enough',
    },
  },
} as const satisfies Readonly<Record<string, Question>>;

interface Question {
  readonly asks: string;
  /** Whether several answers may be given. */
  readonly many: boolean;
  readonly choices: Readonly<Record<string, string>>;
}

export type QuestionName = keyof typeof QUESTIONS;
type Choice<Name extends QuestionName> = keyof (typeof QUESTIONS)[Name]['choices'] & string;

export type Caller = Choice<'callers'>;

/** An answer to each question. */
export interface Answers {
  /** One at least. */
  readonly callers: readonly Caller[];
  readonly nodes: Choice<'nodes'>;
  readonly services: Choice<'services'>;
  readonly revocation: Choice<'revocation'>;
  readonly outage: Choice<'outage'>;
  /** `server` is always among those who may, said or not. */
  readonly secrets: readonly Choice<'secrets'>[];
  readonly sensitivity: Choice<'sensitivity'>;
}

/** Answers as they come in: what is not there yet was not answered. */
export type SomeAnswers = { readonly [Name in QuestionName]?: Answers[Name] | undefined };

/** The answers to a question, in the order in which they are offered. */
export function choicesOf<Name extends QuestionName>(name: Name): readonly Choice<Name>[] {
  return Object.keys(QUESTIONS[name].choices) as Choice<Name>[];
}

/** Whether the answer to a question can change the advice, given who calls. */
export function matters(name: QuestionName, callers: readonly Caller[] | undefined): boolean {
  // Pages and services keep theirs on a server anyhow.
  return (
    name !== 'secrets' ||
    callers === undefined ||
    callers.some((caller) => caller === 'browser' || caller === 'apps')
  );
}

/** The questions that have no answer and need one. */
export function unanswered(given: SomeAnswers): readonly QuestionName[] {
  return (Object.keys(QUESTIONS) as QuestionName[]).filter(
    (name) => given[name] === undefined && matters(name, given.callers),
  );
}

/** The answers, or `null` where one is missing. */
export function complete(given: SomeAnswers): Answers | null {
  const { callers, nodes, services, revocation, outage, secrets = ['server'], sensitivity } = given;
  if (
    unanswered(given).length > 0 ||
    callers === undefined ||
    nodes === undefined ||
    services === undefined ||
    revocation === undefined ||
    outage === undefined ||
    sensitivity === undefined
  )
    return null;
  return { callers, nodes, services, revocation, outage, secrets, sensitivity };
}
