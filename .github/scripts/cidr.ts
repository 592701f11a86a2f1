/** IPv4 addresses and CIDR blocks, as text. A block's host bits count for nothing; an address alone is a block of one. */
import { isIPv4 } from "node:net";

interface Block {
  first: number;
  last: number;
  prefix: number;
}

function readBlock(text: string): Block | undefined {
  const [address = "", bits = "32", ...rest] = text.split("/");
  if (!isIPv4(address) || !/^\d{1,2}$/.test(bits) || Number(bits) > 32 || rest.length > 0) return undefined;
  const number = address.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
  const size = 2 ** (32 - Number(bits));
  const first = number - (number % size);
  return { first, last: first + size - 1, prefix: Number(bits) };
}

export function isBlock(text: string): boolean {
  return readBlock(text) !== undefined;
}

/** Whether an address or a block lies within a block, whole. */
export function contains(block: string, inner: string): boolean {
  const [a, b] = [readBlock(block), readBlock(inner)];
  return a !== undefined && b !== undefined && a.first <= b.first && b.last <= a.last;
}

export function overlaps(one: string, other: string): boolean {
  const [a, b] = [readBlock(one), readBlock(other)];
  return a !== undefined && b !== undefined && a.first <= b.last && b.first <= a.last;
}

/** The first address of a block. */
export function firstAddress(block: string): string {
  const first = readBlock(block)?.first ?? 0;
  return [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join(".");
}

/** -1 for what is no IPv4 block. */
export function prefixLength(block: string): number {
  return readBlock(block)?.prefix ?? -1;
}

const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"];

/** Whether a block is of addresses that no network outside routes. */
export function isPrivate(block: string): boolean {
  return PRIVATE.some((range) => contains(range, block));
}
