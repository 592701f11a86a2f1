/** What this project uses of the FDK, which ships no types. Read from fn-fdk.js 0.0.76. */
declare module "@fnproject/fdk" {
  export interface Context {
    /** Null without a Fn-Deadline header, an invalid Date for an unreadable one. */
    readonly deadline: Date | null;
    readonly callID: string | null;
    getHeader(name: string): string | null;
    /** Throws where there is none. */
    getAllHeaderValues(name: string): string[];
    /** Decides between `JSON.stringify` and raw output too, so set it before returning. */
    responseContentType: string;
    /** Of OCI APM. Its `sampled` is left out here, since it is false for a header that is absent, too. */
    readonly tracingContext: {
      traceCollectorUrl: string | undefined;
      traceId: string | null;
      spanId: string | null;
      serviceName: string;
    };
    readonly httpGateway: {
      statusCode: number;
      setResponseHeader(name: string, ...values: string[]): void;
    };
  }

  /** A handler must never return null or undefined: the FDK crashes outside its own try. */
  export type Handler = (body: Buffer, context: Context) => Promise<object>;

  /** Only "buffer" keeps a UTF-8 character whole that is split between two chunks. */
  export function handle(handler: Handler, options: { inputMode: "buffer" }): void;
}
