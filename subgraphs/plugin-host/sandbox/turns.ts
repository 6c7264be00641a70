// Which call is next: requests take turns, the calls of one request run in their order.
import { CodedError } from '#schema/contracts/errors';

/** Far above what one request of the gateway asks for: 500 representations, each with a few fields of the plugin. */
const MAX_CALLS_OF_ONE_REQUEST = 10_000;

export interface Turns<Request extends object, Item> {
  /** @throws CONCURRENCY_LIMIT for a request over the cap, or one item too many of one request */
  add(request: Request, item: Item): void;
  /** The next item. Its request counts against the cap until `finish`, and has no other turn before. */
  next(): { request: Request; item: Item } | undefined;
  /** The item of this request that `next` gave has ended. */
  finish(request: Request): void;
}

/** @param maxRequests - with unfinished items, at once */
export function createTurns<Request extends object, Item>(maxRequests: number): Turns<Request, Item> {
  // In the order of their turns. A request stays while it has items.
  const waiting = new Map<Request, Item[]>();

  return {
    add(request, item) {
      const items = waiting.get(request);
      if (items === undefined && waiting.size >= maxRequests)
        throw new CodedError('CONCURRENCY_LIMIT', `the plugin serves ${maxRequests} requests at once`);
      if (items !== undefined && items.length >= MAX_CALLS_OF_ONE_REQUEST)
        throw new CodedError('CONCURRENCY_LIMIT', `the plugin takes ${MAX_CALLS_OF_ONE_REQUEST} calls of one request`);
      if (items === undefined) waiting.set(request, [item]);
      else items.push(item);
    },
    next() {
      for (const [request, items] of waiting) {
        const item = items.shift();
        if (item !== undefined) return { request, item };
      }
      return undefined;
    },
    finish(request) {
      const items = waiting.get(request) ?? [];
      waiting.delete(request);
      if (items.length > 0) waiting.set(request, items);
    },
  };
}
