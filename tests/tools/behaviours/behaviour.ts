/**
 * A behaviour of another client, and the tests here of the same intent: the file below `tests`, a
 * colon, and how the name of the test begins.
 */
export type Behaviour = readonly [what: string, first: string, ...rest: string[]];
