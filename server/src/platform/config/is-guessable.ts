import { knownSecrets, secretWords } from './known-secrets.ts';

/** Secrets of fewer pieces are somebody’s words. Of a million random ones of 32 characters none had fewer than 24. */
const leastPieces = 18;
/** Shorter matches come about in random text, too. */
const shortestMatch = 4;

const rows = ['0123456789', '1234567890', 'abcdefghijklmnopqrstuvwxyz', '0123456789abcdef', 'qwertyuiop', 'asdfghjkl'];
const sequences = [...rows, 'zxcvbnm', ...rows.map((row) => [...row].reverse().join(''))];
// The longest first, so that the first that fits is the best.
const words = [...knownSecrets, ...secretWords].map(spell).sort((one, other) => other.length - one.length);

/** A longer secret is judged by so much of it. */
const longestSearched = 256;

/**
 * Whether a secret can be guessed by trying what people write where a secret is asked for: it is cut into known
 * secrets, common words, runs of the alphabet or keyboard, repetitions of what came before, and single bytes for the
 * rest, and then has too few pieces, however it is cut.
 */
export function isGuessable(secret: string): boolean {
  const text = spell(secret).slice(0, longestSearched);
  /** By position, the fewest pieces that what begins there can be cut into. */
  const fewest = new Array<number>(text.length + 1).fill(0);
  for (let at = text.length - 1; at >= 0; at -= 1) {
    const longest = Math.max(measureRun(text, at), measureRepetition(text, at));
    const ends = [at + 1, at + measureWord(text, at)];
    for (let length = shortestMatch; length <= longest; length += 1) ends.push(at + length);
    fewest[at] = 1 + Math.min(...ends.filter((end) => end > at).map((end) => fewest[end] ?? 0));
  }
  return (fewest[0] ?? 0) < leastPieces;
}

/** Lower case, one character a byte, so that a letter outside of ASCII counts for as much as it takes. */
function spell(text: string): string {
  return Buffer.from(text.toLowerCase(), 'utf8').toString('latin1');
}

/** The length of the word that begins here, with the mark after it. */
function measureWord(text: string, at: number): number {
  const word = words.find((one) => text.startsWith(one, at));
  if (word === undefined) return 0;
  return /[\s\p{P}\p{S}]/u.test(text.charAt(at + word.length)) ? word.length + 1 : word.length;
}

function measureRun(text: string, at: number): number {
  const longest = Math.max(...sequences.map((sequence) => measureShared(text, at, sequence)));
  return longest < shortestMatch ? 0 : longest;
}

function measureShared(text: string, at: number, sequence: string): number {
  const start = sequence.indexOf(text.charAt(at));
  let length = 0;
  while (start >= 0 && start + length < sequence.length && sequence[start + length] === text[at + length]) length += 1;
  return length;
}

/** The length of what begins here and has begun before; it may run into itself, as in `ababab`. */
function measureRepetition(text: string, at: number): number {
  let longest = 0;
  for (let from = 0; from < at; from += 1) {
    let length = 0;
    while (at + length < text.length && text[from + length] === text[at + length]) length += 1;
    longest = Math.max(longest, length);
  }
  return longest < shortestMatch ? 0 : longest;
}
