import Link from 'next/link';
import type { ReactNode } from 'react';

export default function Forbidden(): ReactNode {
  return (
    <>
      <h1>Not for you</h1>
      <p>
        You may not do this. <Link href="/">Home</Link>
      </p>
    </>
  );
}
