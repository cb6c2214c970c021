'use server';

import { redirect } from 'next/navigation';
import { may, session, signedIn } from '../auth.ts';
import { addNote, findNote, removeNote } from '../notes.ts';

// Every export is a door of its own to the whole web, so each asks for itself.

/** Before sign-in too: signing in keeps what the session holds. */
export async function keepDraft(form: FormData): Promise<void> {
  await (await session()).set('draft', textOf(form));
  redirect('/');
}

export async function save(form: FormData): Promise<void> {
  const { id } = await signedIn('/notes');
  const text = textOf(form).trim();
  if (text !== '') addNote(id, text);
  await (await session()).take('draft');
  redirect('/notes');
}

export async function remove(form: FormData): Promise<void> {
  const id = form.get('id');
  const { resource } = await may('note:remove', '/notes', () =>
    typeof id === 'string' ? findNote(id) : null,
  );
  removeNote(resource.id);
  redirect('/notes');
}

function textOf(form: FormData): string {
  const text = form.get('text');
  return typeof text === 'string' ? text.slice(0, 500) : '';
}
