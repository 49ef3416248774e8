/**
 * Calls a listener of the program. A fault in it is the program's: it surfaces as uncaught, and whoever comes after it is
 * told all the same.
 */
export function callListener(run: () => void): void {
  try {
    run();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
