import { isCancel, multiselect, select } from '@clack/prompts';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type Advice, type AdvisedClient, advise } from './advise-advice.ts';
import {
  type Answers,
  choicesOf,
  complete,
  matters,
  QUESTIONS,
  type QuestionName,
  type SomeAnswers,
  unanswered,
} from './advise-questions.ts';
import { librarySnippet, serverSnippet } from './advise-snippet.ts';
import { wrap } from './inspect-text.ts';
import { Refused } from './refused.ts';

/** `latchkey advise` */
export function adviseCommand(): Command {
  const command = new Command('advise').description(
    'ask a few questions, and say which profile and modes to choose, why, and at which price',
  );
  for (const name of Object.keys(QUESTIONS) as QuestionName[]) command.addOption(optionFor(name));
  return command
    .option('--json', 'for scripts')
    .addHelpText(
      'after',
      `
Answers:
${Object.entries(QUESTIONS)
  .map(([name, { choices }]) =>
    Object.entries(choices)
      .map(
        ([choice, means], index) => `  ${(index === 0 ? name : '').padEnd(12)} ${choice.padEnd(14)} ${means}`,
      )
      .join('\n'),
  )
  .join('\n')}

What no flag answers is asked on a terminal; elsewhere it is an error. --secrets is needed only with the
callers browser or apps. Nothing is changed or sent.

  latchkey advise
  latchkey advise --callers pages,apps --nodes one --services none --revocation at-once \\
    --outage nothing --secrets device --sensitivity ordinary --json`,
    )
    .action(async (options: SomeAnswers & { readonly json?: true }) => {
      const { json, ...given } = options;
      const answers = complete(given) ?? (await ask(given));
      const advice = advise(answers);
      process.stdout.write(json === true ? asJson(answers, advice) : asText(advice));
    });
}

function optionFor(name: QuestionName): Option {
  const { asks, many } = QUESTIONS[name];
  const choices: readonly string[] = choicesOf(name);
  const option = new Option(`--${name} <${many ? 'answers' : 'answer'}>`, asks);
  if (!many) return option.choices(choices);
  return option.argParser((text) => {
    const parts = [...new Set(text.split(',').map((part) => part.trim()))];
    if (!parts.every((part) => choices.includes(part)))
      throw new InvalidArgumentError(`Allowed, with commas between them: ${choices.join(', ')}.`);
    return parts;
  });
}

/** Asks what was not answered; on standard error, so that the advice alone goes into a file. */
async function ask(given: SomeAnswers): Promise<Answers> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    const flags = unanswered(given).map((name) => `--${name}`);
    throw new Refused(`there is no terminal to ask on; answer by ${flags.join(', ')} (see --help)`);
  }
  const answers: SomeAnswers = { ...given };
  for (const name of Object.keys(QUESTIONS) as QuestionName[]) {
    if (answers[name] !== undefined || !matters(name, answers.callers)) continue;
    const answer = await askOne(name);
    if (isCancel(answer)) throw new Refused('cancelled');
    Object.assign(answers, { [name]: answer });
  }
  const all = complete(answers);
  if (all === null) throw new Refused('not every question has an answer');
  return all;
}

async function askOne(name: QuestionName): Promise<unknown> {
  const { asks: message, many, choices } = QUESTIONS[name];
  const options = Object.entries(choices).map(([value, label]) => ({ value, label }));
  const { stderr: output } = process;
  return many
    ? multiselect({ message, options, required: true, output })
    : select({ message, options, output });
}

function asJson(answers: Answers, advice: Advice): string {
  const { options } = advice;
  const configuration = { library: librarySnippet(options), server: serverSnippet(options) };
  return `${JSON.stringify({ answers, ...advice, configuration }, null, 2)}\n`;
}

function asText({ profiles, clients, consequences, warnings, simpler, options }: Advice): string {
  const indented = (snippet: string): string => snippet.trimEnd().replace(/^(?=.)/gm, '  ');
  const lines = [
    ...profiles.map(({ name, because }) => item(`Profile ${name}`, `for ${because}.`)),
    '',
    ...clients.flatMap((client, index) => [...describe(client, clients.slice(0, index)), '']),
    ...consequences.map((line) => `- ${wrap(line, '  ')}`),
    '',
    ...warnings.flatMap(({ text }) => [`! ${wrap(text, '  ')}`, '']),
    ...(simpler === null ? [] : [wrap(simpler, ''), '']),
    'In an application:',
    '',
    indented(librarySnippet(options)),
    '',
    'Or latchkey.config.ts, for the standalone server:',
    '',
    indented(serverSnippet(options)),
    '',
    'docs/choosing.md has the reasons. A client goes from session to hybrid later by that word alone: no one is\nsigned out.',
  ];
  return `${lines.join('\n')}\n`;
}

/** A client; its price is told once for all of the same. */
function describe(client: AdvisedClient, before: readonly AdvisedClient[]): readonly string[] {
  const { name, mode, refresh, because, price } = client;
  const same = before.find((other) => other.mode === mode && other.refresh === refresh);
  return [
    item(`Client ${name}, mode ${mode}${refresh ? '' : ' without refresh'}`, `${because}.`),
    ...(same === undefined
      ? ['  What it costs:', ...price.map((line) => `  - ${wrap(`${line}.`, '    ')}`)]
      : [`  It costs the same as ${same.name}.`]),
  ];
}

function item(title: string, text: string): string {
  return `${title}\n  ${wrap(text, '  ')}`;
}
