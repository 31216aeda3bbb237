/** A view of a place that is held open: of an archive, an engine, or a pipe put aside in files. */
export interface OpenedView extends AsyncDisposable {
  /** Frees what is held open for the view; it cannot be read from then on. */
  close(): Promise<void>;
}

/**
 * Loads a view of a place, which is closed with the view; at once when there is none.
 *
 * @param place The place.
 * @param load Loads the view.
 * @returns The view.
 */
export async function openedView<View extends object>(
  place: { close(): Promise<void> },
  load: () => Promise<View>,
): Promise<View & OpenedView> {
  const close = (): Promise<void> => place.close();
  try {
    return Object.assign(await load(), { close, [Symbol.asyncDispose]: close });
  } catch (error) {
    // Why there is no view counts, whatever closing comes to.
    await close().catch(() => {});
    throw error;
  }
}
