import type { ReactNode } from 'react';
import { principal, session } from '../auth.ts';
import { keepDraft } from './actions.ts';

export default async function Home(): Promise<ReactNode> {
  const who = await principal();
  const draft = await (await session()).get('draft');
  return (
    <>
      <h1>Notes</h1>
      {who === null ? (
        <p>
          Nobody is signed in. <a href="/auth/sign-in?return_to=/notes">Sign in</a> or{' '}
          <a href="/auth/sign-up?return_to=/notes">create an account</a>.
        </p>
      ) : (
        <p>
          You are <strong>{who.user.email}</strong>.
        </p>
      )}
      <form action={keepDraft}>
        <label htmlFor="text">A draft, which is kept also before you sign in</label>
        <input id="text" name="text" maxLength={500} defaultValue={typeof draft === 'string' ? draft : ''} />
        <button>Keep</button>
      </form>
      <p>
        <a href="/notes">My notes</a>
      </p>
    </>
  );
}
