// Loaded first into each workflow sandbox, before it is frozen.
// The SDK follows every promise that a workflow makes, for Temporal's stack trace view: it evaluates one text to find the promise's run and
// another for a stack trace, in all a third of the time that the sandbox works. Where a run stands its events tell. So the run is named here
// without evaluating anything (a rejection that nobody hears is laid to it), and no trace is taken. Another text is evaluated as before.
type Evaluate = (text: string) => () => unknown;

class Untraced {
  readonly stack = undefined;
}

const KNOWN: ReadonlyMap<string, () => unknown> = new Map([
  ['return globalThis.__TEMPORAL_ACTIVATOR__', () => (globalThis as { __TEMPORAL_ACTIVATOR__?: unknown }).__TEMPORAL_ACTIVATOR__],
  ['return globalThis.Error', () => Untraced],
]);

// The SDK gets into the sandbox by `promise.constructor.constructor(text)()`: `Function`, of the promise's realm.
const evaluate = Promise.constructor as Evaluate;
Object.defineProperty(Promise, 'constructor', { value: ((text) => KNOWN.get(text) ?? evaluate(text)) satisfies Evaluate });
