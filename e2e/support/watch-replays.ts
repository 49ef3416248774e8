/** A fetch that keeps whether its last answer was a stored one, given again for a repeated Idempotency-Key. */
export function watchReplays(): { fetch: typeof fetch; wasReplayed(): boolean } {
  let wasReplayed = false;
  return {
    fetch: async (...call) => {
      const answer = await fetch(...call);
      wasReplayed = answer.headers.get('idempotency-replayed') === 'true';
      return answer;
    },
    wasReplayed: () => wasReplayed,
  };
}
