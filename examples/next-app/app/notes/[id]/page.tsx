import Link from 'next/link';
import type { ReactNode } from 'react';
import { may } from '../../../auth.ts';
import { findNote } from '../../../notes.ts';
import { remove } from '../../actions.ts';

interface Props {
  readonly params: Promise<{ readonly id: string }>;
}

export default async function OneNote({ params }: Props): Promise<ReactNode> {
  const { id } = await params;
  const { resource: note } = await may('note:read', `/notes/${id}`, () => findNote(id));
  return (
    <>
      <h1>{note.text}</h1>
      <form action={remove}>
        <input type="hidden" name="id" value={note.id} />
        <button>Remove</button> <Link href="/notes">My notes</Link>
      </form>
    </>
  );
}
