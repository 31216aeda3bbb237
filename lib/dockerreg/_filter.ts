/** Tells whether a text matches a filter; the state of sticky and global expressions is ignored. */
export function matchesFilter(text: string, filter: RegExp | undefined): boolean {
  return filter === undefined || text.search(filter) !== -1;
}
