import Link from 'next/link';
import type { ReactNode } from 'react';
import { session, signedIn } from '../../auth.ts';
import { listNotes } from '../../notes.ts';
import { save } from '../actions.ts';

export default async function Notes(): Promise<ReactNode> {
  const { id, user } = await signedIn('/notes');
  const draft = await (await session()).get('draft');
  return (
    <>
      <h1>Notes of {user.email}</h1>
      <ul>
        {listNotes(id).map((note) => (
          <li key={note.id}>
            <Link href={`/notes/${note.id}`}>{note.text}</Link>
          </li>
        ))}
      </ul>
      <form action={save}>
        <label htmlFor="text">A new note</label>
        <input id="text" name="text" maxLength={500} defaultValue={typeof draft === 'string' ? draft : ''} />
        <button>Save</button>
      </form>
      <form method="post" action="/auth/sign-out">
        <input type="hidden" name="return_to" value="/" />
        <button>Sign out</button> <a href="/auth/account">Account</a> <Link href="/">Home</Link>
      </form>
    </>
  );
}
