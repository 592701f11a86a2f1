/** Numbers as JSON's source has them: https://tc39.es/proposal-json-parse-with-source/ (in Node.js from 22 on). */
interface RawJSON {
  readonly rawJSON: string;
}

interface JSON {
  rawJSON(source: string): RawJSON;
  isRawJSON(value: unknown): value is RawJSON;
  // biome-ignore lint/suspicious/noExplicitAny: as the library has it
  parse(text: string, reviver: (key: string, value: unknown, context: { source: string }) => unknown): any;
}
