// Many calls at once where mqadmin makes them one by one, but never so many that a peer refuses them.

const AT_ONCE = 256;

/** The results in the order of the items. Rejects with the first failure. */
export async function mapAtOnce<T, R>(
  items: readonly T[],
  call: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await call(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
  return results;
}
