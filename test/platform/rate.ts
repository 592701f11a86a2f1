import type { RatePolicy } from "./playable.ts";

/** Whether one more request of a client is within the limit, which holds for each second by the clock. */
export function createLimiter({ rateInRequestsPerSecond, rateKey }: RatePolicy): (client: string) => boolean {
  let second = 0;
  const counts = new Map<string, number>();
  return (client) => {
    const now = Math.floor(Date.now() / 1_000);
    if (now !== second) counts.clear();
    second = now;
    const key = rateKey === "TOTAL" ? "" : client;
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    return count <= rateInRequestsPerSecond;
  };
}
