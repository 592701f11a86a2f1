import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { parseItems, readJson } from "../src/delivery/items.ts";
import { Problem } from "../src/problem.ts";

const parse = (body: Uint8Array) => parseItems(readJson(body), body);

function refusal(body: string | Uint8Array): { status: number; detail: string; pointers: string[]; details: string[] } {
  try {
    parse(Buffer.from(body as string));
  } catch (error) {
    assert(error instanceof Problem);
    const { errors = [] } = error.toBody("") as { errors?: { pointer: string; detail: string }[] };
    return {
      status: error.status,
      detail: error.message,
      pointers: errors.map(({ pointer }) => pointer),
      details: errors.map(({ detail }) => detail),
    };
  }
  assert.fail(`accepted: ${body}`);
}

const parseOne = (body: unknown) => parse(Buffer.from(JSON.stringify(body)));

test("an item is one object, a batch is an array, even of one", () => {
  assert.deepEqual(parseOne({ name: "a" }), { items: [{ name: "a", description: null }], batch: false });
  assert.deepEqual(parseOne([{ name: "a", description: "b" }]), {
    items: [{ name: "a", description: "b" }],
    batch: true,
  });
});

test("an absent description is null, and text is taken as it is", () => {
  const items = [{ name: " a\t" }, { name: "b", description: null }, { name: "e\u0301", description: "" }];
  assert.deepEqual(parseOne(items).items, [
    { name: " a\t", description: null },
    { name: "b", description: null },
    { name: "e\u0301", description: "" },
  ]);
});

for (const [what, body, status, pointers] of [
  ["an empty body", "", 400, []],
  ["white space", " \n", 400, []],
  ["half of an object", '{"name":', 400, []],
  ["a word", "name", 400, []],
  ["two values", '{"name":"a"} {"name":"b"}', 400, []],
  ["a number", "1", 422, [""]],
  ["null", "null", 422, [""]],
  ["a string", '"name"', 422, [""]],
  ["an empty batch", "[]", 422, [""]],
  ["an empty object", "{}", 422, ["/name"]],
  ["an empty name", '{"name":""}', 422, ["/name"]],
  ["a name that is null", '{"name":null}', 422, ["/name"]],
  ["a name that is a number", '{"name":1}', 422, ["/name"]],
  ["a description that is an object", '{"name":"a","description":{}}', 422, ["/description"]],
  ["a misspelt key", '{"name":"a","descripton":"b"}', 422, ["/descripton"]],
  ["a key that needs escaping", '{"name":"a","a/b~c":"b"}', 422, ["/a~1b~0c"]],
  ["__proto__ as a key", '{"name":"a","__proto__":{"description":"b"}}', 422, ["/__proto__"]],
  ["constructor as a key", '{"name":"a","constructor":1}', 422, ["/constructor"]],
  ["a lone surrogate in a key", '{"name":"a","\\ud800":1}', 422, ["/\ud800"]],
  ["U+0000 in a key", '{"name":"a","name\\u0000":1}', 422, ["/name\0"]],
  ["U+0000 in a name", '{"name":"a\\u0000"}', 422, ["/name"]],
  ["U+0000 in a description", '{"name":"a","description":"\\u0000"}', 422, ["/description"]],
  ["a lone high surrogate", '{"name":"\\ud83d"}', 422, ["/name"]],
  ["a lone low surrogate", '{"name":"a","description":"\\ude00 b"}', 422, ["/description"]],
  ["the same key twice", '{"name":"a","name":"a"}', 422, [""]],
  ["the same key twice, once escaped", '[{"name":"a"},{"name":"a","n\\u0061me":"b"}]', 422, ["/1"]],
  ["a batch in a batch", '[[{"name":"a"}]]', 422, ["/0"]],
  ["several faults at once", '[{"name":1,"x":2},{"name":"ok"},3]', 422, ["/0/name", "/0/x", "/2"]],
] as const) {
  test(`${what} is refused with ${status}`, () => {
    const refused = refusal(body);
    assert.equal(refused.status, status);
    assert.deepEqual(refused.pointers, pointers);
  });
}

test("bytes that are not UTF-8 are refused", () => {
  for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]]) {
    const body = Buffer.concat([Buffer.from('{"name":"'), Buffer.from(bytes), Buffer.from('"}')]);
    assert.equal(refusal(body).detail, "The body is not UTF-8.");
  }
});

test("a body cut at any byte is refused", () => {
  const body = Buffer.from('{"name":"aé€😀","description":"\\u00e9 ünï"}');
  parse(body);
  for (let end = 0; end < body.length; end++) assert.equal(refusal(body.subarray(0, end)).status, 400, `cut at ${end}`);
});

test("a byte order mark before the body is ignored", () => {
  assert.equal(parse(Buffer.from('\ufeff{"name":"a"}')).items[0]?.name, "a");
});

for (const [what, character] of [
  ["ASCII", "a"],
  ["emoji", "😀"],
  ["combining marks", "\u0301"],
] as const) {
  test(`a name holds 255 characters of ${what} and not 256`, () => {
    assert.equal(parseOne({ name: character.repeat(255) }).items.length, 1);
    assert.deepEqual(refusal(JSON.stringify({ name: character.repeat(256) })).details, [
      "must have at most 255 characters",
    ]);
  });
}

test("what strings hold is not taken for structure", () => {
  const name = '{"name": "x"}, \\":\\": }{';
  assert.equal(parseOne([{ name }, { name, description: name }]).items[1]?.description, name);
});

test("where JSON breaks is told, and not quoted", () => {
  const { detail } = refusal('{\n  "name": "secret" "x"\n}');
  assert.equal(detail, "The body is not JSON: line 2, column 20.");
});

test("who sends the name of a file is told how to send the file", () => {
  assert.match(refusal("file://payload.json").detail, /name of a file.*cat payload.json/);
});

test("the first 100 faults are listed, and all are counted", () => {
  const { detail, pointers } = refusal(JSON.stringify(Array(2_000).fill({ name: 1, x: 1 })));
  assert.equal(pointers.length, 100);
  assert.match(detail, /4000 faults .* first 100/);
});

test("a key too long to repeat is counted, not quoted", () => {
  const { pointers, details } = refusal(JSON.stringify({ name: "a", ["k".repeat(300)]: 1 }));
  assert.deepEqual(pointers, [""]);
  assert.deepEqual(details, ["has an unknown key of 300 characters"]);
});

test("a single item whose answer would not fit is refused, and told that a batch of one would do", () => {
  const item = { name: "a", description: "d".repeat(6_000_000 - 320) };
  const refused = refusal(JSON.stringify(item));
  assert.deepEqual(refused.pointers, ["/description"]);
  assert.match(refused.details[0] ?? "", /batch of one/);
  assert.equal(parseOne([item]).items.length, 1);
  assert.equal(parseOne({ ...item, description: "d".repeat(6_000_000 - 330) }).items.length, 1);
});

test("any valid item is taken as it is", () => {
  const text = fc.string({ unit: "binary", maxLength: 300 }).filter((value) => !value.includes("\0"));
  const name = text.filter((value) => value !== "" && [...value].length <= 255);
  const item = fc.record({ name, description: fc.option(text) }, { noNullPrototype: true });
  fc.assert(
    fc.property(fc.array(item, { minLength: 1 }), fc.constantFrom(0, 2), (items, indent) => {
      assert.deepEqual(parse(Buffer.from(JSON.stringify(items, null, indent))).items, items);
    }),
  );
});

test("any bytes are either taken or refused with 400 or 422", () => {
  const json = fc.json().map((value) => Buffer.from(value));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), json), (body) => {
      try {
        parse(body);
      } catch (error) {
        assert(error instanceof Problem && [400, 422].includes(error.status), String(error));
      }
    }),
    { numRuns: 2_000 },
  );
});
