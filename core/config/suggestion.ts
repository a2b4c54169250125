// 'Did you mean': the known name nearest to a mistyped one, by edit distance. Pure.

const NAME_CHARACTERS_MAX = 128;

/** ", did you mean 'x'?" for the nearest candidate, or "" when none is near. */
export function suggestion(name: string, candidates: Iterable<string>): string {
  const nearest = nearestName(name, candidates);
  return nearest === null ? "" : `, did you mean '${nearest}'?`;
}

/** The candidate at the least distance, if that is at most a third of the name's length (and not above 4). */
export function nearestName(name: string, candidates: Iterable<string>): string | null {
  if (name.length < 2 || name.length > NAME_CHARACTERS_MAX) return null;
  const lower = name.toLowerCase();
  const distanceMax = Math.min(4, Math.max(1, Math.floor(name.length / 3)));
  let best: string | null = null;
  let bestDistance = distanceMax + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= bestDistance) continue;
    const distance = editDistance(lower, candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein distance: insertions, deletions and replacements that turn one text into the other. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const replaced = row[j]! + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(replaced, row[j + 1]! + 1, next[j]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
