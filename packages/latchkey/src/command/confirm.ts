import { confirm as ask, isCancel } from '@clack/prompts';
import { Refused } from './refused.ts';

/**
 * Asks on the terminal before something that cannot be undone.
 *
 * @throws {Refused} unless the answer is yes, and where there is nobody to ask.
 */
export async function confirm(question: string, yes: boolean): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY) throw new Refused('there is no terminal to ask; if you mean it, add --yes');
  // Beside the answer for scripts, which goes to standard output.
  const answer = await ask({ message: question, initialValue: false, output: process.stderr });
  if (isCancel(answer) || !answer) throw new Refused('cancelled; nothing was changed');
}
