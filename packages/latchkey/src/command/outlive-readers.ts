/**
 * Lets who reads what is printed stop reading (`| head -1`): what is left is thrown away, and
 * the work goes on to its end, as it would unread. The exit code speaks of the work alone: 0
 * where it was done, so that no script takes a key that was rotated for one that was not.
 */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}
