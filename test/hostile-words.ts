import { randomBytes } from "node:crypto";
import { error, message, READY } from "./platform/player.ts";

const zeros = (length: number) => Array<number>(length).fill(0);
const long = (type: string, length: number, body: Buffer | string = "") => {
  const bytes = Buffer.concat([message(type), Buffer.from(body)]);
  bytes.writeUInt32BE(length, 1);
  return bytes;
};

/** A message of each type as it should be, and some that are none. */
const WELL: readonly Buffer[] = [
  ...[0, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, -1].map((code) => {
    const body = Buffer.alloc(4);
    body.writeInt32BE(code);
    return message("R", [...body], code === 10 ? "SCRAM-SHA-256\0\0" : "abcd");
  }),
  message("R", [0, 0, 0, 3]),
  message("R", [0, 0, 0, 10], "SCRAM-SHA-256-PLUS\0\0"),
  message("R", [0, 0, 0, 11], "r=x,s=AAAA,i=4096"),
  message("R", [0, 0, 0, 12], "v=AAAA"),
  message("K", [0, 0, 0, 7, 0, 0, 0, 7]),
  message("S", "server_version\x0018\0"),
  READY,
  message("Z", "E"),
  message("v", [0, 3, 0, 2, 0, 0, 0, 1], "x\0"),
  error("XX000", "x"),
  message("N", "SNOTICE\0C00000\0Mx\0\0"),
  message("A", [0, 0, 0, 1], "channel\0payload\0"),
  message("1"),
  message("2"),
  message("3"),
  message("n"),
  message("s"),
  message("I"),
  message("t", [0, 1, 0, 0, 0, 23]),
  message("T", [0, 1], "x\0", zeros(18)),
  message("D", [0, 1, 0, 0, 0, 1], "1"),
  message("C", "INSERT 0 1\0"),
  message("G", [0, 0, 1, 0, 0]),
  message("H", [0, 0, 1, 0, 0]),
  message("W", [0, 0, 0]),
  message("d", "x"),
  message("c"),
  message("V", [0, 0, 0, 1], "x"),
  message("\0"),
  message("?"),
  message("\xff"),
];

const MUTATIONS: readonly [how: string, mutate: (well: Buffer) => Buffer][] = [
  ["as it is", (well) => well],
  ["twice", (well) => Buffer.concat([well, well])],
  [
    "without its last byte",
    (well) => long(String.fromCharCode(well[0] as number), well.length - 2, well.subarray(5, -1)),
  ],
  ["without a body", (well) => long(String.fromCharCode(well[0] as number), 4)],
  ["of length 0", (well) => long(String.fromCharCode(well[0] as number), 0, well.subarray(5))],
  ["of length 5 and a byte", (well) => long(String.fromCharCode(well[0] as number), 5, "\xff")],
  ["of the greatest length", (well) => long(String.fromCharCode(well[0] as number), 0xffff_ffff, well.subarray(5))],
  ["of 2 GB", (well) => long(String.fromCharCode(well[0] as number), 0x7fff_ffff, well.subarray(5))],
  ["a byte longer than it says", (well) => Buffer.concat([well, Buffer.of(0)])],
  [
    "with a body of 0xff",
    (well) => long(String.fromCharCode(well[0] as number), well.length - 1, Buffer.alloc(well.length - 5, 0xff)),
  ],
  [
    "with a body of zeros",
    (well) => long(String.fromCharCode(well[0] as number), well.length - 1, Buffer.alloc(well.length - 5)),
  ],
  ["with a random body", (well) => long(String.fromCharCode(well[0] as number), 204, randomBytes(200))],
];

/** What may come before: nothing, or a statement that is asked. */
const STAGES: readonly [stage: string, turn: number, before: Buffer][] = [
  ["before authentication", 0, Buffer.of()],
  ["in answer to the first statement", 1, Buffer.of()],
  ["in its rows", 1, Buffer.concat([message("1"), message("2"), message("T", [0, 1], "x\0", zeros(18))])],
];

const GARBAGE = [
  "HTTP/1.1 400 Bad Request\r\n\r\n",
  "SSH-2.0-OpenSSH_9\r\n",
  "-ERR unknown command\r\n",
  "220 mail\r\n",
  "\x15\x03\x01\0\x02\x02\x46",
  "\0",
];

/** What a server says instead, and when. */
export const CASES = STAGES.flatMap(([stage, turn, before]) => [
  ...WELL.flatMap((well) =>
    MUTATIONS.map(([how, mutate]) => ({
      what: `${stage}, ${JSON.stringify(well.toString("latin1"))} ${how}`,
      turn,
      said: Buffer.concat([before, mutate(well)]),
    })),
  ),
  ...GARBAGE.map((said) => ({ what: `${stage}, ${said}`, turn, said: Buffer.from(said, "latin1") })),
  ...Array.from({ length: 40 }, (_, length) => ({
    what: `${stage}, ${length} random bytes`,
    turn,
    said: randomBytes(length),
  })),
]);

/** What a server says without an end, and when. */
export const FLOODS: readonly [what: string, turn: number, before: Buffer, again: Buffer][] = [
  ["one message without an end", 0, long("S", 0x7fff_ffff), Buffer.alloc(65_536, 1)],
  ["one row without an end", 1, long("D", 0x7fff_ffff), Buffer.alloc(65_536, 1)],
  [
    "rows",
    1,
    message("T", [0, 1], "x\0", zeros(18)),
    Buffer.concat(Array(600).fill(message("D", [0, 1, 0, 0, 0, 90], "x".repeat(90)))),
  ],
  [
    "results",
    1,
    Buffer.of(),
    Buffer.concat(Array(600).fill(Buffer.concat([message("T", [0, 0]), message("C", "SELECT 0\0")]))),
  ],
  ["notices", 1, Buffer.of(), Buffer.concat(Array(600).fill(message("N", "SNOTICE\0Mx\0\0")))],
  ["settings", 0, Buffer.of(), Buffer.concat(Array(600).fill(message("S", "a\0b\0")))],
  [
    "asks for authentication",
    0,
    Buffer.of(),
    Buffer.concat(Array(600).fill(message("R", [0, 0, 0, 10], "SCRAM-SHA-256\0\0"))),
  ],
  ["portals", 1, Buffer.of(), Buffer.concat(Array(9_000).fill(message("s")))],
];
