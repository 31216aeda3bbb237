/**
 * Makes enough for a runtime to collect what nobody holds. In Node that is a request that is only
 * waited for, and with it goes what its signal would have told.
 */
export async function makeGarbage(): Promise<void> {
  for (let round = 0; round < 12; round++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    Array.from({ length: 500_000 }, (_, index) => ({ index }));
  }
}
