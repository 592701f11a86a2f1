import type { Call } from "../call.ts";
import type { Item } from "../delivery/items.ts";
import type { Key } from "../delivery/keys.ts";
import type { Reject } from "../delivery/rejects.ts";
import type { Delivery } from "../delivery.ts";
import type { Pointed } from "../problem.ts";
import type { Id, Ids } from "./ids.ts";
import type { Refused } from "./sieve.ts";
import type { Made } from "./store.ts";

/** An insert over all its attempts: what is left to be stored, and what is known of the rest. */
export interface Job {
  call: Call;
  delivery: Delivery;
  items: readonly Item[];
  keys: readonly Key[];
  rejects: readonly Reject[];
  /** Which of the delivery's items each is; undefined while they are all. */
  places: readonly number[] | undefined;
  /** Of the delivery's items those that other invocations stored. */
  known: Map<number, Id>;
  /** Those left that the table refuses, as far as they are found. */
  refused: Refused;
  /** What the database made of a single one. */
  made: Made;
  ids: Ids | undefined;
  mayHaveCommitted: boolean;
  round: number;
}

/** What became of a delivery. */
export interface Stored {
  /** Of what is in the table, in the order of the delivery. */
  ids: readonly Id[];
  /** Of a single item. */
  made: Made;
  /** How many were stored by another invocation, or come twice in this. */
  replayed: number;
  rejected: number;
}

export function createJob(delivery: Delivery, call: Call): Job {
  const { items, keys, feed } = delivery;
  const left = { items, keys, rejects: feed?.rejects ?? [], places: undefined };
  const rest = { made: {}, ids: undefined, mayHaveCommitted: false, round: 1 };
  return { call, delivery, ...left, known: new Map(), refused: new Map(), ...rest };
}

export function isDone({ items, rejects }: Job): boolean {
  return items.length === 0 && rejects.length === 0;
}

/** Which of the delivery's items one of those left is. */
const placeOf = ({ places }: Job, item: number) => places?.[item] ?? item;

/** Which of the delivery's messages. */
export function messageOf(job: Job, item: number): number {
  const place = placeOf(job, item);
  return job.delivery.order?.indexOf(place) ?? place;
}

/** Takes out of what is left to be stored what is stored, and of a feed what is to be set aside. */
export function takeOut(
  job: Job,
  stored: ReadonlyMap<number, Id>,
  refused: ReadonlyMap<number, readonly Pointed[]>,
): void {
  const { items, keys, rejects, delivery } = job;
  for (const [item, id] of stored) job.known.set(placeOf(job, item), id);
  const setAside = Array.from(refused, ([item, errors]) => delivery.feed?.rejectOf(placeOf(job, item), errors) ?? []);
  const left = [...items.keys()].filter((item) => !stored.has(item) && !refused.has(item));
  const now = new Map(left.map((item, index) => [item, index]));
  job.items = left.map((item) => items[item] as Item);
  job.places = left.map((item) => placeOf(job, item));
  job.keys = keys.flatMap(({ covers, ...key }) =>
    covers.every((item) => now.has(item)) ? { ...key, covers: covers.map((item) => now.get(item) as number) } : [],
  );
  job.rejects = [...rejects, ...setAside.flat()];
  job.refused = new Map();
}

/** @param ids of those that were left, and are stored now */
export function outcomeOf({ delivery, places, known }: Job, ids: readonly Id[], made: Made): Stored {
  const { order, items, feed } = delivery;
  if (!order && places === undefined) return { ids, made, replayed: 0, rejected: feed?.rejects.length ?? 0 };
  const all = new Map(known);
  for (const [item, id] of ids.entries()) all.set(places?.[item] ?? item, id);
  const told = [...(order ?? items.keys())].map((item) => all.get(item));
  const there = told.filter((id) => id !== undefined);
  const rejected = told.length - there.length + (feed?.rejects.length ?? 0);
  return { ids: there, made, replayed: there.length - ids.length, rejected };
}
