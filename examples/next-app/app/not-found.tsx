import Link from 'next/link';
import type { ReactNode } from 'react';

export default function NotFound(): ReactNode {
  return (
    <>
      <h1>Nothing is here</h1>
      <p>
        The address may be mistyped, or the note is gone. <Link href="/">Home</Link>
      </p>
    </>
  );
}
