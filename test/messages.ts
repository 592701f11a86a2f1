/** A batch as Connector Hub makes it of a stream's messages, the first of which stands at the offset. */
export function streaming(values: readonly (string | Buffer)[], offset = 0): object[] {
  return values.map((value, index) => ({
    stream: "orders",
    partition: "0",
    key: null,
    value: Buffer.from(value).toString("base64"),
    offset: offset + index,
    timestamp: 1_761_223_385_480 + offset + index,
  }));
}
